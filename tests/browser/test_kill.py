"""“Kill the worker now”, as a newcomer meets it: the page tells what happened and where to
look, and the outbox holds one mail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import demo
from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_pages import card

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(chrome: Browser) -> Page:
    page = chrome.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


def test_a_newcomer_kills_the_worker_and_finds_one_mail(page: Page, tmp_path: Path) -> None:
    with demo.running(tmp_path) as here:
        page.goto(here.link)
        page.get_by_role("button", name="Sign in").click()
        expect(card(page)).to_be_visible()

        page.goto(here.local)
        page.get_by_role("button", name="Kill the worker now").click()
        expect(page.get_by_role("heading", name="dies in the next send")).to_be_visible()

        page.get_by_role("link", name="inbox").click()
        card(page).get_by_role("button", name="Send as is").click()
        page.goto(f"{here.local}/kill/")
        story = page.locator(".story")
        expect(story).to_contain_text("was killed while it sent “Your request about snow removal”")
        expect(story).to_contain_text("ended by signal 9, SIGKILL")
        expect(story).to_contain_text("started another worker")
        expect(story).to_contain_text("The new worker took the task over")
        expect(story).to_contain_text(re.compile("It asks a person|The mail provider itself said"))

        if page.get_by_text("It asks a person").is_visible():
            page.get_by_role("link", name="inbox").click()
            doubt = card(page, "may or may not have gone out")
            doubt.get_by_role("button", name="It went out").click()
            page.goto(f"{here.local}/kill/")
            expect(story).to_contain_text("Chris decided: it went out.")
        expect(story).to_contain_text("The task is complete.")
        expect(page.locator(".result")).to_contain_text("One mail to rachel.sandberg@example.com")

        page.get_by_role("link", name="Task 1").click()
        expect(page.get_by_text("Its worker stopped in the middle")).to_be_visible()
        page.goto(f"{here.local}/outbox/")
        expect(page.locator(".mail")).to_have_count(1)


def test_a_kill_that_was_ordered_can_be_called_off(page: Page, tmp_path: Path) -> None:
    with demo.running(tmp_path) as here:
        page.goto(f"{here.local}/kill/")
        page.get_by_role("button", name="Kill the worker now").click()
        page.get_by_role("button", name="Let it live").click()
        expect(page.get_by_role("button", name="Kill the worker now")).to_be_visible()
        expect(page.locator(".story")).to_have_count(0)
