"""What stands in sql/ for reading and for the queue is true."""

from __future__ import annotations

import os
from importlib.resources import files

import pytest

from engine.postgres import schema_dump
from engine.postgres.migrations import FOLDER


def test_procrastinates_line_is_the_installed_packages_schema() -> None:
    theirs = files("procrastinate.sql").joinpath("schema.sql").read_bytes()
    line = sorted((FOLDER / "procrastinate").glob("*.sql"))
    # A later release brings migration files of its own: copy those behind our first one,
    # then compare schemas here instead of texts.
    assert [path.name for path in line] == ["0001_schema.sql"]
    assert line[0].read_bytes() == theirs


@pytest.mark.skipif(
    "TEST_DATABASE_URL" in os.environ, reason="schema.sql is what the embedded PostgreSQL prints"
)
def test_schema_sql_is_what_the_migrations_come_to(database: str) -> None:
    assert schema_dump.FILE.read_text() == schema_dump.dump(database), (
        "sql/schema.sql is stale: run python -m engine.postgres.schema_dump"
    )
