"""Every named query is prepared against a migrated database: a column that was renamed
or a table that is gone fails here, before any scenario runs."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from engine.postgres.queries import FOLDER, Query, named
from tests.databases import Databases

EVERY = [
    pytest.param(query, id=f"{path.stem}.{name}")
    for path in sorted(FOLDER.glob("*.sql"))
    for name, query in named(path.stem).items()
]


@pytest.fixture(scope="module")
def migrated(databases: Databases, template: str) -> Iterator[psycopg.Connection]:
    """One connection for all of them: preparing changes nothing."""
    with (
        databases.fresh(template) as name,
        psycopg.connect(databases.dsn(name), autocommit=True, prepare_threshold=None) as conn,
    ):
        yield conn


@pytest.mark.parametrize("query", EVERY)
def test_prepares(migrated: psycopg.Connection, query: Query) -> None:
    try:
        migrated.execute(f"prepare {query.name} as {query.numbered()}".encode())
    except psycopg.Error as error:
        pytest.fail(f"{query.name} (line {query.line}): {error}", pytrace=False)
    finally:
        migrated.execute("deallocate all")


def test_parameters_are_numbered_by_first_use() -> None:
    query = Query("n", "one", "", "select %(b)s, %(a)s, %(b)s, 5 %% 2", 1)
    assert query.numbered() == "select $1, $2, $1, 5 % 2"
