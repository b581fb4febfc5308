"""DBOS Transact: a workflow of five steps from a queue, polled as often as it may be."""

from __future__ import annotations

import threading
import time

from clock import Clock, order
from dbos import DBOS, DBOSClient
from slow_call import ask

asked = order()
over = threading.Event()
clock = Clock(asked.count, over.set)


@DBOS.step()
def note(n: int) -> int:
    return n


@DBOS.step()
def call() -> int:
    return ask(asked.url)


@DBOS.workflow()
def workflow() -> None:
    for n in range(5):
        note(n)
    clock.end()


@DBOS.workflow()
def sleepers() -> None:
    clock.begin()
    call()
    clock.end()


url = asked.dsn.replace("postgresql://", "postgresql+psycopg://", 1)
DBOS(
    config={
        "name": "bench",
        "system_database_url": url,
        "sys_db_pool_size": min(20, asked.concurrency + 2),
        "log_level": "ERROR",
        "application_version": "1",
    }
)
DBOS.launch()
client = DBOSClient(system_database_url=url)
for _ in range(asked.count):
    client.enqueue({"workflow_name": asked.kind, "queue_name": "bench", "app_version": "1"})
client.destroy()
# Only now is there anybody who listens to it.
DBOS.register_queue("bench", worker_concurrency=asked.concurrency, polling_interval_sec=0.02)
over.wait()
time.sleep(0.5)
clock.print(asked.kind)
