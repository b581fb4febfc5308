"""A company that Slack's stand-in can reach: the web process listens on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.world import Company, company
from web import create_app


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path) as here:
        yield here


@pytest.fixture
def app(office: Company) -> Flask:
    return create_app(office.runtime)
