"""Latency: how soon an idle worker takes up a task that another process has started.

From just before the commit that starts it to the transaction that records its first
step, both by this machine's clock; so the step's own time and the commit count too.
"""

from __future__ import annotations

import random
import time
from typing import Any

from engine import tasks
from engine.postgres import connect
from tests.benchmarks import processes
from tests.benchmarks.procedures import ONE_STEP, load


def measure(dsn: str, *, count: int = 400, concurrency: int = 10) -> dict[str, Any]:
    pauses = random.Random(7)
    began: dict[Any, float] = {}
    with connect(dsn) as conn, processes.worker(dsn, concurrency, POOL_SIZE="4"):
        sop_id = load(conn, ONE_STEP)
        processes.until(conn, "exists (select from procrastinate_workers)")
        time.sleep(1)
        for _ in range(count):
            with conn.transaction():
                task = tasks.start(conn, sop_id, context={"size": 1}, actor="bench")
                assert task is not None
                began[task.id] = time.time()
            time.sleep(pauses.uniform(0.03, 0.09))
        processes.until(conn, "not exists (select from tasks where finished_at is null)")
        rows = conn.execute(
            "select task_id, extract(epoch from created_at)::float8 as at from task_events"
            " where event_type = 'step_completed'"
        ).fetchall()
    waits = [(row["at"] - began[row["task_id"]]) * 1000 for row in rows]
    return {"tasks": count, **{f"{k}_ms": v for k, v in processes.percentiles(waits).items()}}
