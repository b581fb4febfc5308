"""The pool of a process, and what a frozen one may keep from the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine import postgres
from engine.postgres import DATABASE_DOWN, Connection, Database


def test_a_frozen_process_does_not_keep_its_locks(
    database: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle of a transaction, it would hold all others up until it wakes."""
    monkeypatch.setattr(postgres, "IDLE_TRANSACTION_SECONDS", 1)
    frozen = Database(database, size=1)
    frozen.open()
    conn.execute("set lock_timeout = '30 s'")
    try:
        with pytest.raises(DATABASE_DOWN):
            _freeze_in_the_middle(frozen, conn)
        row = conn.execute("select shift = '2 days' as kept from clock").fetchone()
        assert row == {"kept": True}
        with frozen.read() as again:
            again.execute("select 1")
    finally:
        frozen.close()


def _freeze_in_the_middle(frozen: Database, other: Connection) -> None:
    with frozen.transaction("frozen") as held:
        held.execute("update clock set shift = '1 day'")
        other.execute("update clock set shift = '2 days'")
        held.execute("select 1")


@pytest.fixture
def pool(database: str) -> Iterator[Database]:
    here = Database(database, size=2)
    here.open()
    yield here
    here.close()


def _backend(conn: Connection) -> int:
    return conn.info.backend_pid


def test_what_is_kept_is_one_connection_until_it_is_given_back(pool: Database) -> None:
    with pool.kept():
        with pool.read() as conn:
            mine = _backend(conn)
        assert _backend_of_another_thread(pool) != mine
        with pool.statement("again") as conn:
            assert _backend(conn) == mine
        with pool.not_kept():
            taken = [_backend_of_another_thread(pool), _backend_of_another_thread(pool)]
            assert mine in taken, "while it calls out, others have the connection"


def test_one_loan_within_another_is_a_connection_of_its_own(pool: Database) -> None:
    """A commit must not be part of a transaction that it stands beside by accident."""
    with pool.kept(), pool.transaction("outer") as outer, pool.statement("inner") as inner:
        assert _backend(outer) != _backend(inner)


def test_a_kept_connection_that_broke_is_replaced(pool: Database) -> None:
    with pool.kept():
        with pool.read() as conn:
            mine = _backend(conn)
        with pool.read(), pool.read() as other:
            other.execute("select pg_terminate_backend(%s)", [mine])
        with pytest.raises(DATABASE_DOWN), pool.read() as conn:
            conn.execute("select 1")
        with pool.read() as conn:
            assert conn.execute("select 1 as one").fetchone() == {"one": 1}
            assert _backend(conn) != mine


def _backend_of_another_thread(pool: Database) -> int:
    found = []

    def look() -> None:
        # The pool's second connection may still be on its way: both are asked for.
        with pool.read() as conn:
            found.append(_backend(conn))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(30)
    return found[0]
