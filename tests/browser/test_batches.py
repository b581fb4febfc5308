"""A campaign's drafts looked through in a browser: by keys, by thumb, by two at a time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from engine.tasks import Task
from tests.browser.axe import PHONE, accessible
from tests.browser.conftest import People
from tests.campaigns.hands import customer, no_customers
from tests.engine.hands import answer, children, question
from tests.world import Company

pytestmark = pytest.mark.browser

MANY = 40


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.pressed += len(text)


def campaign(office: Company, many: int) -> Task:
    no_customers(office)
    for n in range(many):
        customer(office, n)
    task = office.run_sop("past_customer_reactivation", trigger="the test")
    office.settle(rounds=2000)
    return task


def focused(page: Page, name: str) -> None:
    expect(page.locator("article:focus")).to_contain_text(name)


def test_forty_drafts_in_at_most_sixty_keys(signed_in: People, office: Company) -> None:
    task = campaign(office, MANY)
    page = signed_in()
    page.set_default_timeout(30_000)
    keys = Keys(page)
    expect(page.get_by_role("heading", name=f"{MANY} drafts wait for you")).to_be_visible()
    keys.press("e")
    page.wait_for_url("**/batches/*")
    focused(page, "c0@example.com")
    keys.press(*"jjj")
    focused(page, "c3@example.com")
    keys.press("x")
    expect(page.locator("article:focus")).to_contain_text("Chris: Don't send")
    keys.press(*"jjjj")
    focused(page, "c7@example.com")
    keys.press("x")
    expect(page.locator("article:focus")).to_contain_text("Chris: Don't send")
    keys.press(*"jjjjj")
    focused(page, "c12@example.com")
    keys.press("e")
    expect(page.locator("article").nth(12).get_by_label("Subject")).to_be_focused()
    keys.press("End")
    keys.type(", Cleo")
    keys.press("Control+Enter")
    expect(page.get_by_role("button", name=f"Approve all {MANY - 3}")).to_be_visible()
    keys.press("A")
    expect(
        page.get_by_role("heading", name=f"{MANY - 2} mails are about to go out")
    ).to_be_visible()
    assert keys.pressed <= 60, keys.pressed

    office.pass_time(minutes=6)
    to = sorted(mail["to"][0] for mail in office.outbox)
    assert to == sorted(f"c{n}@example.com" for n in range(MANY) if n not in (3, 7))
    [edited] = [mail for mail in office.outbox if mail["to"] == ["c12@example.com"]]
    assert edited["subject"].endswith(", Cleo")
    assert len({mail["subject"] for mail in office.outbox}) == 2
    assert len(children(office, task)) == MANY


def test_undo_of_all_and_of_one(signed_in: People, office: Company) -> None:
    campaign(office, 3)
    page = signed_in()
    page.set_default_timeout(30_000)
    expect(page.get_by_role("heading", name="3 drafts wait for you")).to_be_visible()
    page.keyboard.press("e")
    page.wait_for_url("**/batches/*")
    focused(page, "c0@example.com")
    page.keyboard.press("x")
    expect(page.locator("article").first).to_contain_text("Chris: Don't send")
    page.keyboard.press("A")
    expect(page.get_by_role("heading", name="2 mails are about to go out")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="2 drafts wait for you")).to_be_visible()
    page.locator("article").first.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="3 drafts wait for you")).to_be_visible()
    office.pass_time(minutes=10)
    assert office.outbox == []


# The page draws once, late, and everything that waits for it in the same frame, as ever.
NOTHING_NEW = """
(async () => {
  const { renderStreamMessage } = await import("@hotwired/turbo")
  const frame = window.requestAnimationFrame
  const waiting = []
  window.requestAnimationFrame = (draw) => waiting.push(draw)
  const nothing = '<turbo-stream action="append" target="notices"><template></template>'
  renderStreamMessage(`${nothing}</turbo-stream>`)
  const key = new KeyboardEvent("keydown", { key: "j", bubbles: true, cancelable: true })
  document.activeElement.dispatchEvent(key)
  await new Promise((done) => setTimeout(done, 400))
  window.requestAnimationFrame = frame
  await new Promise((done) => frame((at) => { waiting.forEach((draw) => draw(at)); done() }))
  await new Promise((done) => setTimeout(done, 100))
})()
"""


def test_a_key_while_the_page_is_drawn_anew_is_not_taken_back(
    signed_in: People, office: Company
) -> None:
    """Turbo puts the focus back to where it was before it drew, however late a busy machine
    does; the next key would then answer the draft before the one that is looked at."""
    campaign(office, 3)
    page = signed_in()
    page.get_by_role("link", name="Look through them").click()
    focused(page, "c0@example.com")
    page.evaluate(NOTHING_NEW)
    focused(page, "c1@example.com")


def test_a_draft_that_somebody_else_answered(signed_in: People, office: Company) -> None:
    task = campaign(office, 3)
    page = signed_in()
    page.get_by_role("link", name="Look through them").click()
    answer(office, children(office, task)[0], "refuse", settle=False, reason="Moved away")
    expect(page.locator("article").first).to_contain_text("Chris: Don't send")
    expect(page.get_by_role("button", name="Approve all 2")).to_be_visible()
    assert question(office, children(office, task)[1])["state"] == "open"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"viewport": {"width": 1280, "height": 900}}])
def test_the_page_can_be_used_by_everybody(
    signed_in: People, office: Company, scheme: str, size: dict[str, object]
) -> None:
    campaign(office, 4)
    page = signed_in(color_scheme=scheme, **size)
    accessible(page, "the inbox with a batch")
    page.get_by_role("link", name="Look through them").click()
    expect(page.get_by_role("heading", name="4 drafts wait for you")).to_be_visible()
    accessible(page, "the batch")


def test_on_a_phone_the_head_leaves_room_for_the_drafts(signed_in: People, office: Company) -> None:
    campaign(office, 3)
    page = signed_in(**PHONE)
    page.get_by_role("link", name="Look through them").click()
    page.wait_for_url("**/batches/*")
    head = page.get_by_role("region", name="The batch")
    expect(head.get_by_role("button", name="Approve all 3")).to_be_visible()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(head).to_be_in_viewport()
    box = head.bounding_box()
    assert box is not None
    assert box["height"] <= PHONE["viewport"]["height"] / 10
