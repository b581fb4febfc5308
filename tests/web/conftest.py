"""A small company with its web process, and people at browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from engine import users
from tests.web.browsing import Browser
from tests.world import Company, company
from web import create_app

VIEWER = "viewer@example.com"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    """The engine and the vendors' stand-ins; the web process is asked in this thread."""
    with company(database, tmp_path, web=False) as here:
        with here.runtime.database.transaction("viewer") as conn:
            users.create(conn, email=VIEWER, name="Vera", role="viewer", by="test")
        yield here


@pytest.fixture
def app(office: Company) -> Flask:
    return create_app(office.runtime)


@pytest.fixture
def browser(app: Flask, office: Company) -> Callable[[], Browser]:
    return lambda: Browser(app, office)


@pytest.fixture
def owner(browser: Callable[[], Browser]) -> Browser:
    return browser().sign_in()


@pytest.fixture
def partner(browser: Callable[[], Browser]) -> Browser:
    return browser().sign_in("partner@example.com")


@pytest.fixture
def viewer(browser: Callable[[], Browser]) -> Browser:
    return browser().sign_in(VIEWER)
