"""Workflow: a procedure of five shipped steps that need no vendor, with the full audit.

One worker process, so many tasks at once. The ratio is tasks per second against a fifth
of the commits per second that the same server does in the same run, half of them taken
before the tasks and half after.
"""

from __future__ import annotations

import time
from typing import Any

from engine.errors import EngineError
from engine.postgres import Connection, connect
from tests.benchmarks import commit_limit, peers, processes
from tests.benchmarks.procedures import FIVE_STEPS, FIVE_STEPS_CONTEXT, load, start

STEPS = 5
LIMIT_SECONDS = 6.0


class AuditIncomplete(EngineError):
    """The figure would be for less than was promised."""

    code = "audit_incomplete"


def measure(
    dsn: str,
    *,
    concurrency: int = 10,
    count: int = 3000,
    limit_seconds: float = LIMIT_SECONDS,
    with_peers: bool = False,
) -> dict[str, Any]:
    with connect(dsn) as conn:
        before = commit_limit.measure(dsn, seconds=limit_seconds / 2)
        start(conn, load(conn, FIVE_STEPS), count, **FIVE_STEPS_CONTEXT)
        conn.execute("analyze")
        with processes.worker(dsn, concurrency, POOL_SIZE="4") as worker:
            rate, connections = _drain(conn, count)
            rss = processes.rss_mib(worker.pid)
        _check_audit(conn)
        limit = (before + commit_limit.measure(dsn, seconds=limit_seconds / 2)) / 2
    found: dict[str, Any] = {
        "tasks_per_s": round(rate, 1),
        "commit_limit_per_s": round(limit, 1),
        "ratio": round(rate / (limit / STEPS), 3),
        "rss_mib": rss,
        "connections": connections,
    }
    if with_peers:
        found["peers"] = _beside(rate, peers.workflow(dsn, concurrency=concurrency, count=count))
    return found


def _beside(rate: float, theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many times as fast as each peer."""
    return [
        row | {"ours_to_peer": round(rate / row["tasks_per_s"], 1)} if "tasks_per_s" in row else row
        for row in theirs
    ]


def _drain(conn: Connection, count: int) -> tuple[float, int]:
    """Tasks per second from the first completed ones to the last; connections used."""
    began, before, connections = 0.0, 0, 0
    while True:
        row = conn.execute(
            "select count(*)::int as done from tasks where status = 'completed'"
        ).fetchone()
        assert row is not None
        connections = max(connections, processes.connections(conn))
        if row["done"] and not began:
            began, before = time.monotonic(), row["done"]
        if row["done"] == count:
            return (count - before) / (time.monotonic() - began), connections
        time.sleep(0.05)


def _check_audit(conn: Connection) -> None:
    """Five step events of five distinct transactions for each task."""
    row = conn.execute(
        "select count(*)::int as short from ("
        "  select t.id from tasks t left join task_events e"
        "    on e.task_id = t.id and e.event_type = 'step_completed'"
        "  group by t.id having count(distinct e.xmin::text) <> %s or count(e.id) <> %s) wrong",
        [STEPS, STEPS],
    ).fetchone()
    assert row is not None
    if row["short"]:
        raise AuditIncomplete(f"{row['short']} tasks lack events")
