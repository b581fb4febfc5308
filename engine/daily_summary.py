"""The evening's summary: what happened, what it cost, what was taken for spam, what is open.

Told once a day at `SUMMARY_AT`, from the tick. Each one begins where the last one ended, so
nothing is left out and nothing told twice; after an outage one tells of all of it. The card
is drawn from our rows (`card_drawing.py`), so erasure reaches it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from engine import inbox, queue, tasks
from engine.cards import Card
from engine.errors import TaskClosed
from engine.people import Person
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.runtime import Runtime
from engine.sops import Procedures
from engine.tasks import Task

sql = queries("daily_summaries")


@dataclass(frozen=True, slots=True)
class Day:
    """What is told of one day. `open` is how things stand now, and empty for a day long
    over."""

    day: date
    procedures: list[Mapping[str, Any]]
    mails: int
    answers: int
    spam: list[Mapping[str, Any]]
    open: Mapping[str, int]
    questions: int


def tell_due(runtime: Runtime) -> bool:
    """Have the day's summary posted, if its hour has come and nobody has done so."""
    settings = runtime.settings
    with runtime.database.transaction("summary") as conn:
        now = tasks.now(conn)
        day = _due_day(now.astimezone(settings.zone), settings.summary_at)
        last, began = sql.last(conn), sql.begin(conn)
        hour = datetime.combine(day, settings.summary_at, settings.zone)
        if began is None or began > hour or (last is not None and last["day"] >= day):
            return False
        since = last["until"] if last else min(began, hour) - timedelta(seconds=1)
        told = sql.add(conn, day=day, channel=settings.channel_ops_log, since=since, until=now)
        queue.wake(conn, "show_cards")
    return told is not None


def _due_day(local: datetime, at: Any) -> date:
    """The latest day whose hour has come."""
    return local.date() if local.time() >= at else local.date() - timedelta(days=1)


def read(conn: Connection, card: Card) -> Day:
    """What this card tells."""
    row = sql.of_card(conn, card_id=card.id)
    span = {"since": row["since"], "until": row["until"]}
    done = sql.done(conn, **span)
    fresh = tasks.now(conn) - row["until"] < timedelta(hours=20)
    return Day(
        day=row["day"],
        procedures=sql.procedures(conn, **span),
        mails=done["mails"],
        answers=done["answers"],
        spam=sql.spam(conn, **span),
        open={one["status"]: one["n"] for one in tasks.sql.counts(conn)} if fresh else {},
        questions=inbox.count(conn) if fresh else 0,
    )


def not_spam(conn: Connection, procedures: Procedures, task_id: UUID, by: Person) -> Task:
    """A person says that it is none: the task goes on after the step that said so, to the
    draft. TaskClosed where it was said before, or its data is erased."""
    by.must_act()
    task = tasks.lock(conn, task_id)
    found = sql.spam_step(conn, task_id=task.id)
    if found is None:
        raise TaskClosed(f"task {task.number} is not taken for spam, or no longer")
    procedure = procedures.of(conn, task.sop_id)
    following = procedure.after(procedure.step(found["step_id"]))
    if following is None:
        raise TaskClosed(f"the procedure of task {task.number} has no step for what is no spam")
    tasks.rerun(conn, task.id, following.id, by=str(by))
    redraw(conn, task.id)
    return tasks.get(conn, task.id)


def redraw(conn: Connection, task_id: UUID) -> None:
    """A task that a summary shows has changed, or is erased."""
    sql.redraw_of_task(conn, task_id=task_id)
    queue.wake(conn, "show_cards")
