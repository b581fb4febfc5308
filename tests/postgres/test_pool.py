"""The pool of a process, and what a frozen one may keep from the others."""

from __future__ import annotations

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
