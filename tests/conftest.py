"""What every test may ask for: a database of its own, and the browser if there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings
from psycopg.rows import dict_row

from engine.postgres import Connection
from tests.databases import Databases, server

# How long one example takes says more about the machine than about the code.
settings.register_profile("engine", deadline=None)
settings.load_profile("engine")

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_chromium() -> str | None:
    """ENGINE_CHROMIUM, or a Chromium on the PATH or in its usual place."""
    if given := os.environ.get("ENGINE_CHROMIUM"):
        return given
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The test run's server."""
    run = getattr(request.config, "workerinput", {}).get("testrunuid", str(os.getpid()))
    with server(run) as dsn:
        yield Databases(dsn)


@pytest.fixture(scope="session")
def template(databases: Databases) -> Iterator[str]:
    """A migrated database; copying it takes a tenth of migrating another."""
    with databases.migrated() as name:
        yield name


@pytest.fixture
def database(databases: Databases, template: str) -> Iterator[str]:
    """The DSN of a migrated database that nobody else uses."""
    with databases.fresh(template) as name:
        yield databases.dsn(name)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    """A connection to `database`, as the engine's pool gives them out."""
    with Connection.connect(database, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one, the test is skipped and says why."""
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium: install one, or set ENGINE_CHROMIUM to its path")
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="also what takes many minutes: the whole crash matrix, an outage of a minute",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("long") and not item.config.getoption("--long"):
        pytest.skip("takes many minutes: bin/test --long")
    if item.get_closest_marker("browser") and find_chromium() is None:
        pytest.skip("no Chromium: install one, or set ENGINE_CHROMIUM to its path")
