"""Watchers: recurring checks that start tasks, each occasion once.

A watcher keeps a cursor of how far it has looked. What it finds goes through `intake` or
`tasks.start` with a dedupe key, so that looking twice starts nothing twice; the cursor
only saves work. One that fails backs off and reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from engine import campaigns, cards, failpoints, intake, queue, schedules, sops, task_events, tasks
from engine.errors import EngineError
from engine.keyed_hash import keyed_hash
from engine.mail import mailbox
from engine.mail.mailbox import Cursor
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader
from engine.reasons import told
from engine.runtime import Runtime
from engine.task_events import Event

sql = queries("watchers")
log = structlog.get_logger()
MAILS_PER_CHECK = 200
# So long a check is a worker's own without a sign of life: less than a tick.
HOLD_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Watcher:
    id: UUID
    agent_id: UUID
    sop_slug: str
    name: str
    check_type: str
    check_config: dict[str, Any]
    interval_seconds: int
    next_check_at: datetime
    cursor: dict[str, Any] | None
    last_error: str | None
    failures: int
    status: str
    created_at: datetime


of_row = reader(Watcher)


def check_due(runtime: Runtime) -> int:
    """Check every watcher whose time has come; returns how many."""
    checked = 0
    while True:
        with runtime.database.statement("take_watcher") as conn:
            row = sql.take_due(conn, hold_seconds=HOLD_SECONDS)
        if row is None:
            return checked
        _check(runtime, Hold(of_row(row), row["next_check_at"]))
        checked += 1


def check_now(conn: Connection, name: str) -> None:
    """Have a watcher look at once instead of when its time comes."""
    sql.check_now(conn, name=name)
    queue.wake(conn, "check_watchers")


def rest_schedules(conn: Connection) -> None:
    """No schedule starts anything. In a demo that runs past a quarter past nine, drafts that
    nobody has asked for would be the first thing that a newcomer sees."""
    sql.rest_schedules(conn)


def check_schedules_now(conn: Connection) -> None:
    """Somebody is back: what the schedules have missed meanwhile is due."""
    sql.check_schedules_now(conn)
    queue.wake(conn, "check_watchers")


@dataclass(slots=True)
class Hold:
    """A watcher that this worker is checking. `until` is what its row says; where it says
    something else by now, somebody wants it checked again."""

    watcher: Watcher
    until: datetime
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        held = min(self.watcher.interval_seconds, HOLD_SECONDS)
        self.began = self.until - timedelta(seconds=held)


def _check(runtime: Runtime, hold: Hold) -> None:
    watcher = hold.watcher
    try:
        check = CHECKS.get(watcher.check_type)
        if check is None:
            raise EngineError(f"watchers of type {watcher.check_type} are not built yet")
        check(runtime, hold)
    except EngineError as error:
        _failed(runtime, watcher, error.code)
    except Exception as error:
        log.error("watcher_crashed", watcher=watcher.name, error=type(error).__name__)
        _failed(runtime, watcher, type(error).__name__)
    else:
        with runtime.database.statement("watcher_checked") as conn:
            sql.checked(conn, watcher_id=watcher.id, began=hold.began, held_until=hold.until)
        if watcher.failures:
            with runtime.database.transaction("watcher_recovered") as conn:
                event = Event("watcher_recovered", actor="engine", output_summary=watcher.name)
                task_events.append_configuration(conn, event, agent_id=watcher.agent_id)
                cards.close_alarm(conn, f"watcher:{watcher.name}")


def _failed(runtime: Runtime, watcher: Watcher, code: str) -> None:
    with runtime.database.transaction("watcher_failed") as conn:
        sql.failed(conn, watcher_id=watcher.id, error=code)
        event = Event("watcher_failed", actor="engine", output_summary=f"{watcher.name}: {code}")
        task_events.append_configuration(conn, event, agent_id=watcher.agent_id)
        cards.raise_alarm(
            conn,
            f"watcher:{watcher.name}",
            f"The watcher “{watcher.name}” fails: {told(code)}. It tries again, ever more rarely.",
            channel=runtime.settings.channel_escalations,
        )


def _passed(runtime: Runtime, hold: Hold, cursor: dict[str, Any] | None) -> bool:
    """False where somebody has paused it meanwhile: then nothing more is started."""
    with runtime.database.statement("watcher_passed") as conn:
        row = sql.passed(
            conn, watcher_id=hold.watcher.id, cursor=Jsonb(cursor) if cursor else None,
            held_until=hold.until, hold_seconds=HOLD_SECONDS,
        )  # fmt: skip
    # One that is due at once is left so.
    if row is not None and row["next_check_at"] > hold.until:
        hold.until = row["next_check_at"]
    return row is not None and row["status"] == "active"


def _email_inbox(runtime: Runtime, hold: Hold) -> None:
    """Take in what has come into the mailbox since the last look."""
    if not runtime.settings.imap_host:
        return
    watcher = hold.watcher
    cursor = Cursor(**watcher.cursor) if watcher.cursor else None
    box = mailbox.from_settings(runtime.settings)
    failpoints.reach("call:imap:fetch:before")
    for fetched in box.fetch(cursor, MAILS_PER_CHECK):
        failpoints.reach("call:imap:fetch:after")
        intake.take_mail(runtime, fetched.raw, source="mailbox")
        # After each one: a check that is cut short goes on where it was.
        if not _passed(runtime, hold, asdict(fetched.cursor)):
            return


def _since(watcher: Watcher) -> datetime:
    """How far a schedule has been looked at."""
    return datetime.fromisoformat((watcher.cursor or {}).get("at", watcher.created_at.isoformat()))


def _schedule(runtime: Runtime, hold: Hold) -> None:
    """Start a task at each moment of `cron`, by the company's clock, and only in `season`
    where one is named. What an absence holds back stays ahead of the cursor, so that it runs
    once on return, like what an outage has made it miss."""
    watcher = hold.watcher
    with runtime.database.read() as conn:
        now = tasks.now(conn)
    config = watcher.check_config
    moment = schedules.last_moment(config, runtime.business, _since(watcher), now)
    if moment is not None and not _start_at(runtime, watcher, moment):
        return
    _passed(runtime, hold, {"at": now.isoformat()})


def _start_at(runtime: Runtime, watcher: Watcher, moment: datetime) -> bool:
    """False where somebody's absence holds it back."""
    # The moment in UTC: the clock on the wall shows some of them twice.
    occasion = f"{watcher.id} {moment.astimezone(UTC).isoformat()}"
    key = keyed_hash(runtime.settings, "schedule", occasion)
    context = {"trigger": f"the schedule “{watcher.name}”"}
    with runtime.database.transaction("schedule") as conn:
        sop = sops.active(conn, watcher.sop_slug)
        if campaigns.held_back(runtime, conn, sop):
            return False
        tasks.start(conn, sop.id, context=context, actor=watcher.name, dedupe_key=key)
    return True


@dataclass(frozen=True, slots=True)
class Waiting:
    """A procedure whose schedule somebody's absence holds back. `missed` is the moment for
    which it runs on their return, where one has gone by."""

    name: str
    missed: datetime | None


def waiting(runtime: Runtime, conn: Connection) -> list[Waiting]:
    """What does not start by itself while somebody is away."""
    now = tasks.now(conn)
    found: list[Waiting] = []
    for row in sql.schedules(conn):
        watcher = of_row(row)
        sop = sops.active(conn, watcher.sop_slug)
        if campaigns.held_back(runtime, conn, sop):
            config = watcher.check_config
            missed = schedules.last_moment(config, runtime.business, _since(watcher), now)
            found.append(Waiting(sop.name, missed))
    return found


CHECKS: dict[str, Callable[[Runtime, Hold], None]] = {
    "email_inbox": _email_inbox,
    "schedule": _schedule,
}
