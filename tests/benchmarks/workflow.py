"""Workflow: a procedure of five shipped steps that need no vendor, with the full audit.

One worker process, so many tasks at once. The ratio is tasks per second against a fifth
of the commits per second that the same server does in the same run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from engine import agents, sop_files, tasks
from engine.agents import AgentDefinition
from engine.errors import EngineError
from engine.postgres import Connection, connect
from engine.settings import PROJECT
from tests.benchmarks import commit_limit
from tests.benchmarks.server import benchmark_database

STEPS = 5
SOP = """
slug: five_steps
name: Five steps
agent: bench
steps:
  - {key: known, name: Known, type: query, config: {cases: [{when: size > 0, goto: large}]}}
  - {key: large, name: Large, type: query, config: {cases: [{when: size > 9, goto: each}]}}
  - {key: each, name: For each of none, type: for_each, config: {items: nobody, sop: five_steps}}
  - {key: late, name: Late, type: query, config: {cases: [{when: size > 1, goto: last}]}}
  - {key: last, name: Last, type: query, config: {cases: [{when: size > 2, goto: complete}]}}
"""


class AuditIncomplete(EngineError):
    """The figure would be for less than was promised."""

    code = "audit_incomplete"


def measure(*, concurrency: int, count: int = 3000) -> dict[str, Any]:
    """One object: tasks_per_s, commit_limit_per_s, ratio, rss_mib, connections."""
    with benchmark_database() as dsn:
        with connect(dsn) as conn:
            sop_id = _procedure(conn)
            limit = commit_limit.measure(dsn)
            with conn.transaction():
                for _ in range(count):
                    tasks.start(conn, sop_id, context={"size": 10, "nobody": []}, actor="bench")
            conn.execute("analyze")
            worker = _worker(dsn, concurrency)
            try:
                rate, connections = _drain(conn, count)
                rss = _peak_mib(worker.pid)
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait(timeout=30)
            _check_audit(conn, count)
    return {
        "scenario": "workflow",
        "concurrency": concurrency,
        "tasks": count,
        "tasks_per_s": round(rate, 1),
        "commit_limit_per_s": round(limit, 1),
        "ratio": round(rate / (limit / STEPS), 3),
        "rss_mib": rss,
        "connections": connections,
    }


def _procedure(conn: Connection) -> Any:
    agents.define(conn, AgentDefinition("bench", "Bench", "Measures."))
    checked = sop_files.parse(SOP, name="the benchmark's procedure")
    return sop_files.save(conn, checked, origin="import", by="bench").id


def _worker(dsn: str, concurrency: int) -> subprocess.Popen[bytes]:
    settings = {
        "PYTHONPATH": str(PROJECT),
        "DATABASE_URL": dsn,
        "ENGINE_MODE": "demo",
        "SECRET_KEY": "for-the-benchmark-alone-0123456789",
        "POOL_SIZE": "8",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "worker", "--concurrency", str(concurrency)],
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
    )


def _drain(conn: Connection, count: int) -> tuple[float, int]:
    """Tasks per second from the first completed ones to the last; connections used."""
    began, before, connections = 0.0, 0, 0
    while True:
        row = conn.execute(
            "select (select count(*) from tasks where status = 'completed')::int as done,"
            " (select count(*) from pg_stat_activity where pid <> pg_backend_pid()"
            "   and datname = current_database())::int as connections"
        ).fetchone()
        assert row is not None
        connections = max(connections, row["connections"])
        if row["done"] and not began:
            began, before = time.monotonic(), row["done"]
        if row["done"] == count:
            return (count - before) / (time.monotonic() - began), connections
        time.sleep(0.05)


def _peak_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def _check_audit(conn: Connection, count: int) -> None:
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
        raise AuditIncomplete(f"{row['short']} of {count} tasks lack events")
