"""Two changes that meet so badly that PostgreSQL takes one of them back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.postgres import Connection, connect
from engine.tasks import Task
from tests.engine.hands import rows
from tests.engine.test_children import parent
from tests.web.browsing import Browser
from tests.world import Company, wait_until

BLOCKED = """
select count(*)::int as n from pg_stat_activity
 where wait_event_type = 'Lock' and datname = current_database()
"""


@contextmanager
def somebody_else(office: Company) -> Iterator[Connection]:
    """A change by hand in the database, say: it keeps to no order, and does not give way."""
    with connect(office.runtime.database.dsn) as conn, conn.transaction():
        conn.execute("set local deadlock_timeout = '1 min'")
        yield conn


def reach(conn: Connection, task: Task) -> None:
    conn.execute("select from tasks where id = %s for update", [task.id])


def test_what_met_another_change_is_done_again(owner: Browser, office: Company) -> None:
    task = parent(office, "ask")
    [child] = rows(office, "select * from tasks where parent_id = %s", task.id)
    owner.get(f"/tasks/{task.number}")
    with ThreadPoolExecutor(1) as pool:
        with somebody_else(office) as conn:
            reach(conn, Task(**child))
            pressed = pool.submit(owner.post, f"/tasks/{task.number}/cancellation")
            wait_until(lambda: rows(office, BLOCKED)[0]["n"] == 1)
            reach(conn, task)
        assert pressed.result().status_code == 303
    assert office.see(task).status == "cancelled"


def test_a_command_that_met_another_change_says_so(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = parent(office, "ask")
    [child] = rows(office, "select * from tasks where parent_id = %s", task.id)
    monkeypatch.setenv("DATABASE_URL", office.runtime.database.dsn)
    with ThreadPoolExecutor(1) as pool:
        with somebody_else(office) as conn:
            reach(conn, Task(**child))
            given = pool.submit(CliRunner().invoke, cli, ["task", "cancel", str(task.number)])
            wait_until(lambda: rows(office, BLOCKED)[0]["n"] == 1)
            reach(conn, task)
        told = given.result()
    assert told.exit_code == 1
    assert "at the same moment" in told.output
    assert "Give the command again." in told.output
    assert office.see(task).status != "cancelled"
