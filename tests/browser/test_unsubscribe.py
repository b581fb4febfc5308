"""The page behind a mail's link, as somebody without an account presses its button."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from engine.mail.unsubscribe import unsubscribe_url
from tests.engine.hands import rows
from tests.world import Company

pytestmark = pytest.mark.browser


def test_the_button_says_that_it_is_done(chrome: Browser, office: Company) -> None:
    link = unsubscribe_url(office.runtime.settings, "ann@example.com")
    context = chrome.new_context(base_url=office.web_url)
    page = context.new_page()
    page.goto(urlsplit(link).path)
    assert rows(office, "select * from suppressions") == [], "looking changes nothing"
    page.get_by_role("button", name="Unsubscribe me").click()
    expect(page.get_by_role("heading", name="You are unsubscribed.")).to_be_visible()
    assert [row["reason"] for row in rows(office, "select * from suppressions")] == ["unsubscribed"]
    context.close()
