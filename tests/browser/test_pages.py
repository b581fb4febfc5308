"""The pages as two owners use them: by keys, by thumb, and two at the same time."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.mail.unsubscribe import unsubscribe_url
from engine.tasks import Task
from tests.browser.axe import PHONE, accessible
from tests.browser.conftest import People
from tests.engine.hands import answer, question
from tests.web.browsing import link
from tests.world import Company

pytestmark = pytest.mark.browser

LETTER = "Hi Rachel,\n\nwe come on Tuesday.\n"


@pytest.fixture
def lead(office: Company) -> Task:
    task = office.mail("lead")
    office.settle()
    return task


def card(page: Page, title: str = "Reply to a new lead") -> Locator:
    return page.locator("article", has_text=title)


def test_an_answer_by_keys_and_its_undo(signed_in: People, office: Company, lead: Task) -> None:
    page = signed_in()
    expect(card(page)).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_text(re.compile(r"^in \d+ s$"))).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    assert question(office, lead)["state"] == "undo"
    page.keyboard.press("u")
    expect(card(page)).to_be_visible()
    assert question(office, lead)["state"] == "open"
    assert office.outbox == []


def test_walking_and_refusing_by_keys(signed_in: People, office: Company, lead: Task) -> None:
    office.mail("complaint")
    office.settle()
    page = signed_in()
    page.keyboard.press("j")
    expect(card(page, "This needs you")).to_be_focused()
    page.keyboard.press("k")
    expect(card(page)).to_be_focused()
    page.keyboard.press("r")
    expect(card(page).get_by_label("Why?")).to_be_focused()
    page.keyboard.type("a reason, with j and k in it")
    card(page).get_by_role("button", name="Don't send").last.click()
    expect(page.get_by_role("heading", name="One question waits for you")).to_be_visible()
    expect(card(page, "This needs you")).to_be_focused()
    assert "with j and k" in str(question(office, lead)["answer"])


def test_the_keys_can_be_turned_off(signed_in: People, office: Company, lead: Task) -> None:
    page = signed_in()
    page.get_by_role("button", name="Turn the keys off").click()
    card(page).focus()
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert question(office, lead)["state"] == "open"


def test_two_at_once_on_phones(signed_in: People, office: Company, lead: Task) -> None:
    chris, sam = signed_in(**PHONE), signed_in("partner@example.com", **PHONE)
    card(sam).get_by_role("button", name="Edit first").click()
    sam.get_by_label("Text", exact=True).fill(LETTER)
    expect(card(chris).get_by_text("Sam is editing this")).to_be_visible()
    card(chris).get_by_role("button", name="Send as is").click()
    expect(chris.get_by_role("button", name="Undo")).to_be_visible()
    sam.wait_for_timeout(2500)
    expect(sam.get_by_label("Text", exact=True)).to_have_value(LETTER)
    card(sam).get_by_role("button", name="Send this").click()
    late = sam.get_by_role("alert").filter(has_text="too late")
    expect(late).to_be_in_viewport()
    expect(late).to_contain_text("Chris answered “Send as is”")
    expect(late.get_by_label("Text")).to_have_value(LETTER)
    accessible(sam, "the inbox with what came too late")
    sam.wait_for_timeout(2500)
    expect(late).to_be_visible()


def test_an_edited_letter_is_stored_as_it_was_seen(
    signed_in: People, office: Company, lead: Task
) -> None:
    page = signed_in()
    page.keyboard.press("e")
    page.get_by_label("Text", exact=True).fill("\n\n" + LETTER)
    card(page).get_by_role("button", name="Send this").click()
    expect(card(page)).to_have_count(0)
    assert question(office, lead)["mail"]["body"] == "\n\n" + LETTER


def test_a_question_comes_up_by_itself(signed_in: People, office: Company) -> None:
    page = signed_in()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    office.mail("lead")
    office.settle()
    expect(card(page)).to_be_visible()
    expect(page.locator("#inbox-count")).to_contain_text("1")


def test_a_timeline_grows_while_one_looks(signed_in: People, office: Company, lead: Task) -> None:
    page = signed_in()
    page.goto(f"/tasks/{lead.number}")
    page.get_by_text(re.compile(r"Show \d+ values")).click()
    expect(page.get_by_text("Asked a person: approval")).to_be_visible()
    page.get_by_role("button", name="Send as is").click()
    expect(page.get_by_text("Chris answered “Send as is”")).to_be_visible()
    office.pass_time(seconds=31)
    expect(page.get_by_text("The mail was sent").first).to_be_visible()
    expect(page.get_by_text("The task is complete")).to_be_visible()
    expect(page.locator("#standing")).to_contain_text("Finished")
    expect(page.get_by_text("customer_email")).to_be_visible()  # what was unfolded stays so
    seen = page.locator("#events > li").evaluate_all("all => all.map(one => one.id)")
    assert seen == [f"event-{n}" for n in range(1, len(seen) + 1)], "each once, and in order"
    expect(page.get_by_text("About to go out: The mail")).to_be_hidden()
    page.get_by_label("Show bookkeeping").check()
    expect(page.get_by_text("About to go out: The mail")).to_be_visible()


def test_a_rerun_is_asked_for_twice(signed_in: People, office: Company, lead: Task) -> None:
    page = signed_in()
    page.goto(f"/tasks/{lead.number}")
    page.get_by_role("button", name="Cancel the task").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What has gone out stays out")
    dialog.get_by_role("button", name="Back").click()
    page.wait_for_timeout(300)
    assert office.see(lead).status == "waiting_on_human"
    page.get_by_role("button", name="Cancel the task").click()
    dialog.get_by_role("button", name="Cancel the task").click()
    expect(page.get_by_text(f"Task {lead.number} is cancelled.")).to_be_visible()
    assert office.see(lead).status == "cancelled"


def test_who_is_signed_out_meanwhile_keeps_what_they_typed(
    signed_in: People, office: Company, lead: Task
) -> None:
    page = signed_in()
    page.keyboard.press("e")
    page.get_by_label("Text", exact=True).fill(LETTER)
    with office.runtime.database.statement("end") as conn:
        conn.execute("update sessions set revoked_at = now()")
    expect(page.get_by_text("You are signed out.").first).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value(LETTER)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["laptop", "phone"])
def test_everybody_can_read_and_press_it(
    signed_in: People, office: Company, lead: Task, scheme: str, size: dict[str, object]
) -> None:
    office.mail("complaint")
    office.mail("spam")
    office.settle()
    page = signed_in(color_scheme=scheme, **size)
    for path in ("/inbox", "/tasks", f"/tasks/{lead.number}", "/account", "/nothing"):
        page.goto(path)
        for summary in page.locator("details:not([open]) > summary").all():
            if summary.is_visible():
                summary.click()
        accessible(page, f"{path} {scheme}")
    page.context.clear_cookies()
    page.goto("/sign-in")
    accessible(page, f"/sign-in {scheme}")
    page.goto("/sign-in/link/" + link(office, "owner@example.com").rpartition("/")[2])
    accessible(page, f"a sign-in link {scheme}")
    page.goto("/sign-in/link/used-before")
    accessible(page, f"a link that is over {scheme}")
    for address in (unsubscribe_url(office.runtime.settings, "ann@example.com"), "/unsubscribe/x"):
        page.goto(urlsplit(address).path)
        accessible(page, f"{address} {scheme}")


def test_what_is_to_be_written_down_is_copied_by_a_tap(
    signed_in: People, office: Company, lead: Task
) -> None:
    object.__setattr__(office.runtime, "crm", None)
    answer(office, lead, "send")
    page = signed_in(permissions=["clipboard-read", "clipboard-write"])
    shown = card(page, "Write this lead down")
    shown.get_by_role("button", name="Copy E-mail").click()
    expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "rachel.sandberg@example.com"
    shown.get_by_role("button", name="Copy all of it").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Name: Rachel Sandberg\nE-mail: rachel.sandberg@example.com\n")
    shown.get_by_role("button", name="Done").click()
    expect(shown).to_be_hidden()
