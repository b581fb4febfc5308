"""The engine's own processes under measurement: started as in production, watched from
outside, by /proc for memory and by pg_stat_activity for connections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import make_conninfo

from engine.errors import EngineError
from engine.postgres import Connection, connect
from engine.settings import PROJECT

PATIENCE_SECONDS = 900.0
APPLICATIONS = ("worker", "queue", "web")


class NotDone(EngineError):
    """The work did not come to its end."""

    code = "not_done"


def environment(dsn: str, **settings: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "NO_PROXY": "127.0.0.1,localhost",
        "DATABASE_URL": dsn,
        "ENGINE_MODE": "demo",
        "SECRET_KEY": "for-the-benchmark-alone-0123456789",
        # Nobody is there: a benchmark never talks to a vendor.
        "SLACK_BASE_URL": "http://127.0.0.1:9/",
        "SES_ENDPOINT_URL": "http://127.0.0.1:9",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "IMAP_HOST": "",
        **settings,
    }


@contextmanager
def worker(dsn: str, concurrency: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`bin/engine worker`, in its own process."""
    with engine(environment(dsn, **settings), "worker", "--concurrency", str(concurrency)) as it:
        yield it


@contextmanager
def engine(given: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *command],
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def rss_mib(pid: int, *, peak: bool = True) -> float:
    """The most memory that a process has had, or what it has now."""
    wanted = "VmHWM" if peak else "VmRSS"
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(wanted))
    return round(int(line.split()[1]) / 1024, 1)


def connections(conn: Connection) -> int:
    """How many connections the engine's processes hold at this moment."""
    row = conn.execute(
        "select count(*)::int as n from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and application_name <> 'watch'"
    ).fetchone()
    assert row is not None
    return row["n"]


class Watch:
    """Looks at the connections a few times a second, and keeps the most."""

    def __init__(self, dsn: str) -> None:
        self.most = 0
        self._over = threading.Event()
        self._conn = connect(make_conninfo(dsn, application_name="watch"))
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._conn.close()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self.most = max(self.most, connections(self._conn))


def until(conn: Connection, condition: str, *, beat: float = 0.05) -> None:
    """Wait until an SQL condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        row = conn.execute(f"select ({condition}) as holds").fetchone()
        if row is not None and row["holds"]:
            return
        time.sleep(beat)
    raise NotDone(f"after {PATIENCE_SECONDS:g} s it still does not hold that {condition}")


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and p99, in the unit of the values."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99)}
