"""One worker process: the crew that carries tasks, and the queue that rouses it.

SIGTERM: nothing more is claimed, no effect is started in the last quarter of the time,
the steps in flight come to their end, and what is left is handed to the next worker.
The process then ends at once: threads stuck in a vendor's socket cannot be joined.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from engine import queue
from engine.crew import Crew
from engine.runtime import Runtime

log = structlog.get_logger()
Came = TypeVar("Came")
JOB_THREADS = 4
# For a last word to the database, or to a server we leave: one that is away is not waited for,
# or the platform would kill the process in the middle of it.
PARTING_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Worker:
    """What jobs are given."""

    runtime: Runtime
    crew: Crew


def run_worker(runtime: Runtime, *, concurrency: int) -> int:
    """Work until SIGTERM or SIGINT; returns the exit code. The caller must end the process
    with `os._exit`: nothing is left uncommitted, and waiting for abandoned threads could
    take for ever."""
    # Not asyncio.run, which at its end joins the threads in which jobs run.
    return asyncio.new_event_loop().run_until_complete(_run(runtime, concurrency))


async def _run(runtime: Runtime, concurrency: int) -> int:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(JOB_THREADS * 2))
    stop = asyncio.Event()
    exhausted = False

    def give_up() -> None:
        nonlocal exhausted
        exhausted = True
        loop.call_soon_threadsafe(stop.set)

    crew = Crew(runtime, size=concurrency, on_exhausted=give_up)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    crew.start()
    dsn = runtime.database.dsn
    working = asyncio.create_task(queue.work(dsn, Worker(runtime, crew), concurrency=JOB_THREADS))
    log.info("worker_started", concurrency=concurrency, pid=os.getpid())
    await stop.wait()
    log.info("worker_stopping", in_flight=crew.busy)
    working.cancel()
    seconds = runtime.settings.shutdown_seconds
    clean = await _in_time(partial(crew.stop, seconds=seconds), seconds + PARTING_SECONDS)
    left = asyncio.create_task(_in_time(runtime.sent_folder.close, PARTING_SECONDS))
    await asyncio.wait([working, left], timeout=PARTING_SECONDS)
    log.info("worker_stopped", clean=bool(clean))
    return 1 if exhausted else 0


async def _in_time(act: Callable[[], Came], seconds: float) -> Came | None:
    """What it returns; or None, where it takes longer, and then it is left to itself."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(asyncio.to_thread(act), timeout=seconds)
    return None
