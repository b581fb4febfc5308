"""Soak: a week of work, hour by hour on a clock that is moved, through one worker process.

By the hour tasks come, some of them ask, somebody answers, and the minute's upkeep strikes;
by the day the night's. What must not grow: the worker's memory after its first tenth, rows
that autovacuum does not clear, and jobs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from engine import questions
from engine.answers import Answer
from engine.people import Person
from engine.postgres import Connection, connect
from engine.settings import Settings
from tests.benchmarks import processes
from tests.benchmarks.procedures import (
    ASKING,
    FIVE_STEPS,
    FIVE_STEPS_CONTEXT,
    WAITING_AN_HOUR,
    load,
    start,
)
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.world import World

HOURS = 7 * 24
# Of a hundred tasks so many ask a person: fifteen a day in a week of ten thousand.
ASKING_SHARE = 0.0105
AUTOVACUUM_SECONDS = 150.0
SOMEBODY = Person("bench", "Chris", "api", may_act=True)
AT_REST = """not exists (
    select from tasks where status in ('pending', 'in_progress')
        or (status = 'waiting_on_timer' and wake_at <= engine_now()))
    and not exists (select from cards where wanted > shown)"""
NOBODY_STRIKES = """not exists (
    select from procrastinate_jobs where status in ('todo', 'doing')
       and task_name in ('tick', 'nightly'))"""
STRIKE = """
select procrastinate_defer_jobs_v1(array[row('default', %s, 0, null, null,
       '{"timestamp": 0}'::jsonb, null)::procrastinate_job_to_defer_v1])"""
# What autovacuum leaves alone by its own settings, and as much again for good measure.
DEAD = """
select coalesce(sum(n_dead_tup), 0)::int as dead,
       coalesce(sum(greatest(0, n_dead_tup - 2 * (50 + 0.2 * n_live_tup))), 0)::int as uncleared
  from pg_stat_user_tables"""
JOBS = "select count(*)::int as n from procrastinate_jobs"
COUNTED = {
    "completed": "select count(*)::int as n from tasks where status = 'completed'",
    "erased": "select count(*)::int as n from tasks where erased_at is not null",
    "answered": "select count(*)::int as n from task_events where event_type = 'human_answered'",
    "cards": "select count(*)::int as n from cards where kind = 'question' and ts is not null",
    "jobs_left": JOBS,
}


def measure(dsn: str, *, count: int = 10_000, hours: int = HOURS) -> dict[str, Any]:
    began = time.monotonic()
    with connect(dsn) as conn, _slack() as slack_url:
        week = _Week(conn, dsn)
        settings = {"POOL_SIZE": "4", "ERASE_AFTER_DAYS": "1", "SLACK_BASE_URL": slack_url,
                    "SLACK_BOT_TOKEN": "xoxb-local"}  # fmt: skip
        with processes.worker(dsn, 10, **settings) as worker:
            memory, peak_dead, peak_jobs = [], 0, 0
            for hour in range(hours):
                week.work_an_hour(hour, count * hour // hours, count * (hour + 1) // hours)
                memory.append(processes.rss_mib(worker.pid, peak=False))
                peak_dead = max(peak_dead, _number(conn, DEAD, "dead"))
                peak_jobs = max(peak_jobs, _number(conn, JOBS, "n"))
            week.pass_an_hour()
            uncleared = _after_autovacuum(conn)
            connections = processes.connections(conn)
        counted = {name: _number(conn, query, "n") for name, query in COUNTED.items()}
        dead = _number(conn, DEAD, "dead")
    first = memory[len(memory) // 10]
    return {
        "tasks": count,
        **counted,
        "rss_after_a_tenth_mib": first,
        "rss_end_mib": memory[-1],
        "growth_mib": round(memory[-1] - first, 1),
        "dead_rows_peak": peak_dead,
        "dead_rows_end": dead,
        "dead_rows_uncleared": uncleared,
        "jobs_peak": peak_jobs,
        "connections": connections,
        "seconds": round(time.monotonic() - began),
    }


@contextmanager
def _slack() -> Iterator[str]:
    """Slack's stand-in, in this process: cards are really posted and changed."""
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        world = World(Path(folder) / "world.sqlite")
        app = create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:9"))
        with serve(app) as url:
            yield f"{url}/slack/api/"


class _Week:
    """The company's week, and its clock."""

    def __init__(self, conn: Connection, dsn: str) -> None:
        self._conn = conn
        self._settings = Settings(_env_file=None, database_url=dsn,  # type: ignore[call-arg]
                                  secret_key="for-the-benchmark-alone-0123456789")  # fmt: skip
        self._working = [load(conn, FIVE_STEPS), load(conn, WAITING_AN_HOUR)]
        self._asking = load(conn, ASKING)

    def work_an_hour(self, hour: int, before: int, after: int) -> None:
        """Those tasks come whose numbers lie between the two."""
        asking = int(after * ASKING_SHARE) - int(before * ASKING_SHARE)
        rest = after - before - asking
        for sop_id, share in ((self._asking, asking), (self._working[0], rest // 2),
                              (self._working[1], rest - rest // 2)):  # fmt: skip
            self._start(sop_id, share)
        processes.until(self._conn, AT_REST, beat=0.02)
        self._answer_all()
        self.pass_an_hour()
        self._strike("tick")
        if hour % 24 == 8:
            self._strike("nightly")

    def _start(self, sop_id: UUID, count: int) -> None:
        if count:
            start(self._conn, sop_id, count, **FIVE_STEPS_CONTEXT)

    def _answer_all(self) -> None:
        rows = self._conn.execute("select question from tasks where status = 'waiting_on_human'")
        for row in rows.fetchall():
            token = questions.token_of(row["question"])
            with self._conn.transaction():
                questions.answer(self._conn, self._settings, token, Answer("yes", {}), SOMEBODY)

    def pass_an_hour(self) -> None:
        processes.until(self._conn, AT_REST, beat=0.02)
        self._conn.execute("update clock set shift = shift + interval '1 h'")
        processes.until(self._conn, AT_REST, beat=0.02)

    def _strike(self, job: str) -> None:
        """The clock that was moved strikes for no job by itself."""
        self._conn.execute(STRIKE, [job])
        processes.until(self._conn, NOBODY_STRIKES, beat=0.02)


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
