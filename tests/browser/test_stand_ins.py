"""The stand-ins' pages, as a newcomer to the demo meets them: read, pressed, by keys alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import PHONE, accessible
from tests.browser.conftest import PATIENCE_MS
from tests.campaigns.test_batches import campaign
from tests.engine.hands import answer
from tests.serving import serve
from tests.world import Company
from web.local import LocalSettings, create_local_app

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


@pytest.fixture
def visit(chrome: Browser, office: Company, tmp_path: Path) -> Iterator[Visit]:
    """`visit("/outbox/", color_scheme="dark")`: that page of the stand-ins, as the demo has
    them, where a worker can be killed."""
    (tmp_path / "pid").write_text("1")
    settings = LocalSettings(engine_url=office.web_url, worker_pid_file=str(tmp_path / "pid"))
    contexts: list[Any] = []
    with serve(create_local_app(office.local, settings)) as url:

        def open_page(path: str, **more: Any) -> Page:
            context = chrome.new_context(base_url=url, **more)
            contexts.append(context)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(path)
            return page

        yield open_page
        for context in contexts:
            context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["laptop", "phone"])
def test_everybody_can_read_and_press_it(
    visit: Visit, office: Company, scheme: str, size: dict[str, object]
) -> None:
    lead = office.mail("lead")
    office.settle()
    answer(office, lead, "send")
    office.mail("complaint")
    campaign(office)
    office.order("crm", "slow", seconds=1)
    page = visit("/", color_scheme=scheme, **size)
    for path in ("/", "/outbox/", "/crm-list/", "/lead/", "/requests/", "/kill/"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        accessible(page, f"{path} {scheme}")
    for channel in ("C0LEADS", "C0MARKETING", "home"):
        page.goto(f"/slack/_view/?{channel}#{channel}")
        expect(page.locator(".message, .home").first).to_be_visible()
        accessible(page, f"Slack, {channel} {scheme}")
    page.goto("/slack/_view/?review#C0MARKETING")
    page.get_by_role("button", name="Review one by one").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 of 4")
    accessible(page, f"Slack, the review {scheme}")


def test_a_modal_is_opened_turned_and_left_by_keys(visit: Visit, office: Company) -> None:
    campaign(office)
    page = visit("/slack/_view/#C0MARKETING")
    button = page.get_by_role("button", name="Review one by one")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 of 4")
    inside = "document.querySelector('dialog[open]').contains(document.activeElement)"
    assert page.evaluate(inside)
    dialog.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("2 of 4")
    assert page.evaluate(inside), "the focus stays in it while its page is turned"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
