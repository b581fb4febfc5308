"""A migration adds columns while a worker of the release before still runs: it reads past
them, and no task that it claims is left to its lease."""

from __future__ import annotations

import pytest

from engine import agents, tasks, watchers
from engine.postgres import Outdated
from tests.engine.hands import answer, rows
from tests.world import Company


def migrate(office: Company) -> None:
    tables = rows(
        office,
        "select table_name as name from information_schema.tables where table_schema = 'public'"
        " and table_type = 'BASE TABLE' and table_name not like 'procrastinate%%'",
    )
    assert {"tasks", "agents", "cards", "watchers", "sops"} <= {table["name"] for table in tables}
    with office.runtime.database.transaction("migrate") as conn:
        for table in tables:
            conn.execute(f'alter table "{table["name"]}" add column added_later text')


def test_columns_that_are_new_are_read_past(office: Company) -> None:
    migrate(office)
    task = office.mail("lead")
    office.settle()
    assert answer(office, task, "send").status == "completed"
    assert len(office.outbox) == 1
    watchers.check_due(office.runtime)


def test_a_statement_that_is_stale_is_so_once(office: Company) -> None:
    """In a transaction it cannot be prepared anew; the next one does."""
    task = office.mail("lead")
    office.settle()

    def read() -> None:
        with office.runtime.database.transaction("read") as conn:
            tasks.get(conn, task.id)
            agents.list_all(conn)

    read()
    migrate(office)
    with pytest.raises(Outdated):
        read()
    read()
