"""pgqueuer knows no steps: one job runs all five, and records each in tables of ours with a
commit of its own, as our steps do. Its best driver, asyncpg, on pools."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import asyncpg
from clock import Clock, order
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

asked = order()
RECORD = """
with t as (update bench_runs set step = $2 where id = $1 returning id)
insert into bench_events (run_id, event_type) select id, 'step_completed' from t
"""


async def main() -> None:
    pool = await asyncpg.create_pool(asked.dsn, min_size=2, max_size=4)
    records = await asyncpg.create_pool(asked.dsn, min_size=1, max_size=8)
    queries = Queries(AsyncpgPoolDriver(pool))
    await queries.install()
    await pool.execute(
        "create table bench_runs (id bigint primary key, step int) with (fillfactor = 70);"
        "create table bench_events (id bigint generated always as identity primary key,"
        "  run_id bigint, event_type text, at timestamptz default now());"
        f"insert into bench_runs select n, 0 from generate_series(1, {asked.count}) n"
    )
    vendor = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    over = asyncio.Event()
    clock = Clock(asked.count, over.set)
    app = PgQueuer(AsyncpgPoolDriver(pool))

    @app.entrypoint("workflow")
    async def workflow(job: Job) -> None:
        for step in range(5):
            await records.execute(RECORD, int(job.payload or b"0"), step)
        clock.end()

    @app.entrypoint("sleepers")
    async def sleepers(job: Job) -> None:
        clock.begin()
        async with vendor.get(asked.url) as answer:
            answer.raise_for_status()
            await answer.read()
        clock.end()

    payloads: list[bytes | None] = [str(n + 1).encode() for n in range(asked.count)]
    for first in range(0, asked.count, 500):
        some = payloads[first : first + 500]
        await queries.enqueue([asked.kind] * len(some), some, [0] * len(some))
    await pool.execute("analyze")
    running = asyncio.create_task(
        app.run(
            batch_size=max(1, asked.concurrency // 2),
            max_concurrent_tasks=max(2, asked.concurrency),
            dequeue_timeout=timedelta(seconds=1),
        )
    )
    await asyncio.wait([running, asyncio.create_task(over.wait())], return_when="FIRST_COMPLETED")
    if running.done():
        running.result()
    await asyncio.sleep(0.5)
    clock.print(asked.kind)


asyncio.run(main())
