"""A real browser at a real port, with the worker's part done by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web.browsing import link
from tests.world import Company, company

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

People = Callable[..., Page]

# What is waited for comes at once, except on a machine that has other things to do.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


# For each file and not for the whole run: while Playwright is up its event loop runs in this
# thread, and the files after these could start none.
@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path) as here:
        yield here


@pytest.fixture
def signed_in(chrome: Browser, office: Company) -> Iterator[People]:
    """`signed_in("partner@example.com", color_scheme="dark")`: that person's page, at the
    inbox. At the end no page may have complained in its console."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(email: str = "owner@example.com", **more: Any) -> Page:
        context = chrome.new_context(base_url=office.web_url, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: _note(complaints, said.type, said.text))
        page.goto("/sign-in/link/" + link(office, email).rpartition("/")[2])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/inbox")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    # Answers that the tests ask for: signed out, not there, somebody was first, a link is over.
    asked_for = any(f"status of {code}" in text for code in (401, 404, 409, 410))
    if kind in ("error", "warning") and not asked_for:
        complaints.append(text)
