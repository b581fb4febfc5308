"""The only place that opens connections: one small pool for each process.

Connections are in autocommit, so that one statement is one commit without further
round trips. A write names itself (`database.statement("advance")`,
`database.transaction("start")`), and the name is a failpoint before and after its
commit. No connection is ever held during a call to the outside.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from engine import failpoints
from engine.postgres.prepared import Outdated

Connection = psycopg.Connection[DictRow]
# What is raised where the server is away; whatever was under way may be tried again.
DATABASE_DOWN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# What the server takes back because two changes met; done again, it comes about.
COLLISIONS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, Outdated)
OURS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    # What psycopg prepares it has forgotten after a rollback, and all of `prepared.py`'s with it.
    "prepare_threshold": None,
}
# No transaction of ours waits for anything but the database. One that is idle for so long
# belongs to a process that is frozen, and its locks would hold all the others up.
IDLE_TRANSACTION_SECONDS = 10


def connect(dsn: str) -> Connection:
    """A connection outside any pool, for commands that need one for a moment."""
    return psycopg.Connection[DictRow].connect(dsn, **OURS)


def _configure(conn: Connection, mine: weakref.WeakSet[Connection]) -> None:
    mine.add(conn)
    conn.execute(
        "select set_config('idle_in_transaction_session_timeout', %s, false)",
        [f"{IDLE_TRANSACTION_SECONDS}s"],
    )


class _Mine(threading.local):
    """What a thread has of the pool."""

    keeps = False
    lent = False
    conn: Connection | None = None


class Database:
    """A pool that opens at the first use and survives the server's restart."""

    def __init__(self, dsn: str, *, size: int = 4, application: str = "engine") -> None:
        self.dsn = dsn
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._pool: ConnectionPool[Any] = ConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            kwargs={
                **OURS,
                "application_name": application,
                # A server that vanished without a word is noticed within half a minute.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
            configure=partial(_configure, mine=self._connections),
            open=False,
            timeout=30,
            max_idle=120,
            reconnect_timeout=30,
            name=application,
        )

        self._mine = _Mine()

    def interrupt(self) -> None:
        """Have the server break off what it is doing for us, or is waiting for. From any thread."""
        for conn in list(self._connections):
            if not conn.closed:
                conn.cancel()

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within, this thread's reads and writes have one connection, from the first of them
        on. For a thread that does one after the other; a loan costs as much as a small query."""
        self._mine.keeps = True
        try:
            yield
        finally:
            self._mine.keeps = False
            self._give_back()

    @contextmanager
    def not_kept(self) -> Iterator[None]:
        """Within `kept`: a call to the outside, during which no connection is held."""
        self._give_back()
        kept, self._mine.keeps = self._mine.keeps, False
        try:
            yield
        finally:
            self._mine.keeps = kept

    @contextmanager
    def _lend(self) -> Iterator[Connection]:
        mine = self._mine
        if not mine.keeps or mine.lent:
            with self._pool.connection() as conn:
                yield conn
            return
        conn = mine.conn = mine.conn or self._pool.getconn()
        mine.lent = True
        try:
            yield conn
        except BaseException:
            # It may be broken, which the pool finds out.
            self._give_back()
            raise
        finally:
            mine.lent = False

    def _give_back(self) -> None:
        conn, self._mine.conn = self._mine.conn, None
        if conn is not None:
            self._pool.putconn(conn)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For statements that change nothing."""
        with self._lend() as conn:
            yield conn

    @contextmanager
    def statement(self, name: str) -> Iterator[Connection]:
        """For one statement that is a commit by itself."""
        with self._lend() as conn:
            failpoints.reach(f"commit:{name}:before")
            yield conn
        failpoints.reach(f"commit:{name}:after")

    @contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """For statements that commit together or not at all."""
        with self._lend() as conn, conn.transaction():
            yield conn
            failpoints.reach(f"commit:{name}:before")
        failpoints.reach(f"commit:{name}:after")
