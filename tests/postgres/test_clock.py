"""Business time: now(), and where a walk or a test has moved it, that much later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from psycopg.conninfo import make_conninfo

from engine.cli.opening import verify_database
from engine.errors import SettingsInvalid
from engine.postgres import Connection, connect
from engine.postgres.queries import Query
from engine.settings import Mode, Settings

AHEAD = Query("ahead", "value", "", "select engine_now() - now()", 1)


def test_unmoved_it_is_now(conn: Connection) -> None:
    assert AHEAD(conn) == timedelta()


def test_moved_everybody_sees_it_at_once(database: str, conn: Connection) -> None:
    with connect(database) as other:
        assert AHEAD(other) == timedelta()
        conn.execute("update clock set shift = '2 days -3 seconds'")
        assert AHEAD(conn) == AHEAD(other) == timedelta(days=2, seconds=-3)
        conn.execute("update clock set shift = shift + interval '1.5 seconds'")
        assert AHEAD(other) == timedelta(days=2, seconds=-1.5)
        conn.execute("update clock set shift = '0'")
        assert AHEAD(other) == timedelta()


def test_a_change_that_is_taken_back_moves_nothing(conn: Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("update clock set shift = '1 hour'")
        assert AHEAD(conn) == timedelta(hours=1)
    assert AHEAD(conn) == timedelta()


def test_several_who_move_it_at_once_all_count(database: str, conn: Connection) -> None:
    def move(_: int) -> None:
        with connect(database) as mine:
            for _ in range(10):
                mine.execute("update clock set shift = shift + interval '1 second'")

    with ThreadPoolExecutor(4) as movers:
        list(movers.map(move, range(4)))
    assert AHEAD(conn) == timedelta(seconds=40)


def test_at_rest_it_costs_nothing(conn: Connection) -> None:
    """The server writes it out as now(): no query within the query."""
    row = conn.execute("explain (verbose, costs off) select engine_now()").fetchall()
    assert "Output: now()" in " ".join(line["QUERY PLAN"] for line in row)


def test_in_earnest_nothing_starts_with_a_clock_that_was_moved(
    database: str, conn: Connection
) -> None:
    def opened(mode: Mode) -> None:
        changed = {"mode": mode, "database_url": make_conninfo(database)}
        verify_database(Settings().model_copy(update=changed))

    opened("live")
    conn.execute("update clock set shift = '1 day'")
    opened("demo")
    with pytest.raises(SettingsInvalid, match="moved by 1 day"):
        opened("live")
