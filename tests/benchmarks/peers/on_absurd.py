"""absurd: a task of five steps, its own worker with so many threads, its own schema."""

from __future__ import annotations

import threading
import time
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import Absurd
from clock import Clock, order
from slow_call import ask

asked = order()
over = threading.Event()
clock = Clock(asked.count, over.set)
with psycopg.connect(asked.dsn, autocommit=True) as conn:
    conn.execute(absurdctl.BUNDLED_SCHEMA_SQL.encode())
app = Absurd(asked.dsn, queue_name="bench")
app.create_queue("bench")


@app.register_task(name="workflow")
def workflow(params: Any, ctx: Any) -> None:
    for n in range(5):
        ctx.step(f"note {n}", lambda n=n: n)
    clock.end()


@app.register_task(name="sleepers")
def sleepers(params: Any, ctx: Any) -> None:
    clock.begin()
    ctx.step("ask", lambda: ask(asked.url))
    clock.end()


for _ in range(asked.count):
    app.spawn(asked.kind, {})
with psycopg.connect(asked.dsn, autocommit=True) as conn:
    conn.execute("analyze")
threading.Thread(
    target=lambda: app.start_worker(concurrency=asked.concurrency, poll_interval=0.02), daemon=True
).start()
over.wait()
time.sleep(0.5)
clock.print(asked.kind)
