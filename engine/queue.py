"""The one door to Procrastinate. Nothing else imports it.

A job is a wake-up call and carries no task id: the task's row says what is to be done.
So a duplicate is harmless, and one that is lost is found by the worker's one-second
loop. Enqueuing happens on the caller's connection, so that a state and its wake-up
commit together; there is no other way to enqueue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import procrastinate
import structlog

from engine.postgres import Connection

log = structlog.get_logger()

JobName = Literal["run_tasks", "show_cards", "act_on_deliveries", "check_watchers"]
Upkeep = Literal["tick", "nightly"]
Work = Callable[[Any], None]

app = procrastinate.App(connector=procrastinate.PsycopgConnector())

# Only when no such wake-up is waiting already. A queueing lock would do the same, but
# a second transaction would wait for the first one's commit, and a clash aborts it.
_WAKE = """
select procrastinate_defer_jobs_v1(array[
    row('default', %(job)s, 0, null, null, '{}'::jsonb, null)::procrastinate_job_to_defer_v1])
 where not exists (
    select 1 from procrastinate_jobs where status = 'todo' and task_name = %(job)s)
"""


def wake(conn: Connection, job: JobName) -> None:
    """Have `job` run soon, once `conn`'s transaction has committed."""
    conn.execute(_WAKE, {"job": job})


_CARDS_DUE = """ and exists (
    select from cards where wanted > shown and next_try_at <= now()
       and (held_until is null or held_until <= now()))"""
# What a worker is acting on at this moment is open too: two seconds are not a backlog.
_DELIVERIES_DUE = """ and exists (
    select from deliveries where done_at is null and try_at < now() - interval '2 s')"""


def wake_for_what_is_open(conn: Connection) -> None:
    """Make up for lost wake-ups: cards to be shown, deliveries that nobody acted on."""
    conn.execute(_WAKE + _CARDS_DUE, {"job": "show_cards"})
    conn.execute(_WAKE + _DELIVERIES_DUE, {"job": "act_on_deliveries"})


# Its workers say every ten seconds that they live.
_ALIVE = """
select exists (
    select from procrastinate_workers where last_heartbeat > now() - interval '60 s') as alive
"""


def has_worker(conn: Connection) -> bool:
    """Whether anybody is there to take up what is due, or was a minute ago. For telling
    people; nothing is decided by it."""
    row = conn.execute(_ALIVE).fetchone()
    return bool(row and row["alive"])


def drop_orphans(conn: Connection) -> int:
    """Delete wake-ups that a killed worker had taken; they are spent, and say nothing."""
    return conn.execute(
        "delete from procrastinate_jobs where status <> 'todo' and worker_id is null"
    ).rowcount


# -- the worker's side ----------------------------------------------------------------


def job(name: JobName) -> Callable[[Work], Any]:
    """Declare the function that works wake-ups of this name; it is given the worker's
    context. Jobs never retry: the next wake-up looks again."""
    return lambda function: app.task(name=name, queue="default", pass_context=True)(
        _given(function)
    )


def periodic(name: Upkeep, cron: str) -> Callable[[Work], Any]:
    """Declare a function that runs by the clock (UTC), once after an outage."""

    def declare(function: Work) -> Any:
        task = app.task(name=name, queue="default", pass_context=True)
        return app.periodic(cron=cron)(task(_given(function)))

    return declare


def _given(function: Work) -> Callable[..., None]:
    def run(context: procrastinate.JobContext, timestamp: int = 0) -> None:  # noqa: ARG001
        function(context.additional_context["worker"])

    return run


async def work(dsn: str, worker: object, *, concurrency: int) -> None:
    """Fetch and run wake-ups until cancelled, through any restart of the database.

    After a lost connection Procrastinate's worker ends or goes deaf, so it is begun anew.
    """
    while True:
        connector = procrastinate.PsycopgConnector(
            conninfo=dsn, min_size=1, max_size=1, timeout=120, kwargs={"application_name": "queue"}
        )
        try:
            # Not `with_connector`: the periodic jobs would go on asking the app that was never
            # opened.
            with app.replace_connector(connector) as connected:
                async with connected.open_async() as opened:
                    await opened.run_worker_async(
                        concurrency=concurrency,
                        fetch_job_polling_interval=1.0,
                        shutdown_graceful_timeout=5.0,
                        delete_jobs="successful",
                        install_signal_handlers=False,
                        additional_context={"worker": worker},
                    )
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("queue_lost", error=type(error).__name__)
        await asyncio.sleep(1)
