"""Sleepers: many tasks that mostly wait, for a slow vendor or for the clock.

The first kind holds a thread each and so many at once; the second holds nothing, and
the count of running tasks and jobs while they wait says so.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from engine.postgres import Connection, connect
from tests.benchmarks import peers, processes
from tests.benchmarks.procedures import SLOW_VENDOR, WAITING, load, start
from tests.benchmarks.slow_vendor import slow_vendor

CONCURRENCIES = (50, 200)


def measure(
    dsn: str,
    *,
    count: int = 500,
    seconds: float = 1.0,
    concurrencies: tuple[int, ...] = CONCURRENCIES,
    with_peers: bool = False,
) -> dict[str, Any]:
    found: dict[str, Any] = {"tasks": count}
    with connect(dsn) as conn:
        vendor_sop, waiting_sop = load(conn, SLOW_VENDOR), load(conn, WAITING)
        with slow_vendor(seconds) as url:
            for concurrency in concurrencies:
                found |= _slow(conn, dsn, url, vendor_sop, count, concurrency)
            if with_peers:
                found["peers"] = peers.sleepers(
                    dsn, count=count, url=f"{url}/customers/1", concurrencies=concurrencies
                )
        found |= _waits(conn, dsn, waiting_sop, count)
    return found


def _slow(
    conn: Connection, dsn: str, url: str, sop_id: Any, count: int, concurrency: int
) -> dict[str, Any]:
    settings = {"CRM_BASE_URL": url, "CRM_API_KEY": "bench", "POOL_SIZE": "4"}
    with processes.Watch(dsn) as watch, processes.worker(dsn, concurrency, **settings) as worker:
        processes.until(conn, _WORKER_IS_THERE)
        start(conn, sop_id, count)
        processes.until(conn, "not exists (select from tasks where finished_at is null)")
        rss = processes.rss_mib(worker.pid)
    return {
        f"drain_{concurrency}_s": _drained(conn, sop_id),
        f"rss_{concurrency}_mib": rss,
        f"connections_{concurrency}": watch.most,
    }


_WORKER_IS_THERE = "exists (select from procrastinate_workers)"


def _drained(conn: Connection, sop_id: Any) -> float:
    """Seconds from the first claim to the last end, of the newest batch."""
    row = conn.execute(
        "select extract(epoch from max(finished_at) - min(started_at))::float8 as s from tasks"
        " where sop_id = %s and created_at = (select max(created_at) from tasks where sop_id = %s)",
        [sop_id, sop_id],
    ).fetchone()
    assert row is not None
    return round(row["s"], 2)


def _waits(conn: Connection, dsn: str, sop_id: Any, count: int) -> dict[str, Any]:
    with processes.worker(dsn, 10, POOL_SIZE="4"):
        processes.until(conn, _WORKER_IS_THERE)
        start(conn, sop_id, count)
        looks = _Looks(dsn, count)
        processes.until(conn, "not exists (select from tasks where finished_at is null)")
        looks.join()
    return {"waits_s": _drained(conn, sop_id), "running_while_all_wait": looks.running}


class _Looks(threading.Thread):
    """While every task waits: how many tasks and jobs are running."""

    def __init__(self, dsn: str, count: int) -> None:
        super().__init__(daemon=True)
        self.running: int | None = None
        self._dsn = dsn
        self._count = count
        self.start()

    def run(self) -> None:
        with connect(self._dsn) as conn:
            for _ in range(2000):
                row = conn.execute(
                    "select count(*) filter (where status = 'waiting_on_timer')::int as waiting,"
                    " count(*) filter (where status = 'in_progress')::int as running,"
                    " (select count(*) from procrastinate_jobs where status = 'doing')::int as jobs"
                    " from tasks where finished_at is null"
                ).fetchone()
                assert row is not None
                if row["waiting"] >= self._count * 0.9 and not row["running"]:
                    self.running = max(self.running or 0, row["running"] + row["jobs"])
                elif self.running is not None:
                    return
                time.sleep(0.01)
