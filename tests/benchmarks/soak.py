"""Soak: a week of work, hour by hour on a clock that is moved, through one worker process.

What must not grow: the worker's memory after its first tenth, rows that autovacuum does
not clear, and jobs.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from engine.postgres import Connection, connect
from tests.benchmarks import processes
from tests.benchmarks.procedures import FIVE_STEPS, FIVE_STEPS_CONTEXT, WAITING_AN_HOUR, load, start

HOURS = 7 * 24
AUTOVACUUM_SECONDS = 150.0
AT_REST = """not exists (
    select from tasks where status in ('pending', 'in_progress')
        or (status = 'waiting_on_timer' and wake_at <= engine_now()))"""
# What autovacuum leaves alone by its own settings, and as much again for good measure.
DEAD = """
select coalesce(sum(n_dead_tup), 0)::int as dead,
       coalesce(sum(greatest(0, n_dead_tup - 2 * (50 + 0.2 * n_live_tup))), 0)::int as uncleared
  from pg_stat_user_tables"""


def measure(dsn: str, *, count: int = 10_000, hours: int = HOURS) -> dict[str, Any]:
    with connect(dsn) as conn:
        sops = [load(conn, FIVE_STEPS), load(conn, WAITING_AN_HOUR)]
        settings = {"POOL_SIZE": "4", "ERASE_AFTER_DAYS": "1"}
        with processes.worker(dsn, 10, **settings) as worker:
            memory, peak_dead = [], 0
            for hour in range(hours):
                _work_an_hour(conn, sops, count // hours + (hour < count % hours))
                memory.append(processes.rss_mib(worker.pid, peak=False))
                peak_dead = max(peak_dead, _number(conn, DEAD, "dead"))
            _pass_an_hour(conn)
            uncleared = _after_autovacuum(conn)
            jobs = _number(conn, "select count(*)::int as n from procrastinate_jobs", "n")
            connections = processes.connections(conn)
        ended = _number(
            conn, "select count(*)::int as n from tasks where status = 'completed'", "n"
        )
        dead = _number(conn, DEAD, "dead")
    first = memory[len(memory) // 10]
    return {
        "tasks": count,
        "completed": ended,
        "rss_after_a_tenth_mib": first,
        "rss_end_mib": memory[-1],
        "growth_mib": round(memory[-1] - first, 1),
        "dead_rows_peak": peak_dead,
        "dead_rows_end": dead,
        "dead_rows_uncleared": uncleared,
        "jobs_left": jobs,
        "connections": connections,
    }


def _work_an_hour(conn: Connection, sops: list[UUID], count: int) -> None:
    for n, sop_id in enumerate(sops):
        share = count // len(sops) + (n < count % len(sops))
        if share:
            start(conn, sop_id, share, **FIVE_STEPS_CONTEXT)
    _pass_an_hour(conn)


def _pass_an_hour(conn: Connection) -> None:
    processes.until(conn, AT_REST, beat=0.02)
    conn.execute("update clock set shift = shift + interval '1 h'")
    processes.until(conn, AT_REST, beat=0.02)


def _number(conn: Connection, query: str, name: str) -> int:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return row[name]


def _after_autovacuum(conn: Connection) -> int:
    """Dead rows far above what autovacuum leaves, once it has had its turn."""
    deadline = time.monotonic() + AUTOVACUUM_SECONDS
    while (left := _number(conn, DEAD, "uncleared")) and time.monotonic() < deadline:
        time.sleep(1)
    return left
