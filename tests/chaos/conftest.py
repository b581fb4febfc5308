"""What the chaos tests share: the process that forks, a database with the shipped
procedures, and one playing of the crash matrix for all that look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.postgres import Database
from tests.chaos import matrix as crash_matrix
from tests.chaos.matrix import Matrix, Theatre
from tests.chaos.names import commits_and_calls
from tests.chaos.nursery import Nursery
from tests.chaos.stage import furnish
from tests.databases import Databases

SAID = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as here:
        yield here


@pytest.fixture(scope="session")
def furnished(databases: Databases) -> Iterator[str]:
    """The name of a database with the shipped procedures and the owner in it."""
    with databases.migrated() as name:
        database = Database(databases.dsn(name), size=1)
        database.open()
        furnish(database)
        database.close()
        yield name


@pytest.fixture(scope="session")
def theatre(
    databases: Databases,
    furnished: str,
    nursery: Nursery,
    tmp_path_factory: pytest.TempPathFactory,
) -> Theatre:
    return Theatre(databases, furnished, nursery, tmp_path_factory.mktemp("stages"))


@pytest.fixture(scope="session")
def matrix(theatre: Theatre, request: pytest.FixtureRequest) -> Matrix:
    played = theatre.play_matrix()
    request.config.stash[SAID] = [crash_matrix.report(played, commits_and_calls())]
    return played


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in terminalreporter.config.stash.get(SAID, []):
        terminalreporter.write_line(line)
