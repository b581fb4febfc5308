"""Questions that nobody answers. Silence is never a yes.

At the deadline a reminder goes to #escalations (`reminders.py`) and the question gets the same
time again; at the second deadline it is expired, and the task follows on_failure. What asks
what to do about a failure follows from on_failure already: it stays open, and is reminded of
again once a week. Deadlines count business hours, and stand still while every owner is away.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from engine import cards, queue, reminders, task_events, tasks
from engine.attendance import attendance
from engine.business import Business, business_time_between, next_business_moment
from engine.moments import moment
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.stored_json import stored
from engine.task_events import Event
from engine.tasks import Task

NO_DEADLINE = "Nothing happens until somebody answers."
# A week of the office's days lies between two reminders of a failure that nobody sees to.
WEEK_OF_DAYS = 5
UNSENT = {
    "approval": " Nothing is sent.",
    "handover": " Nothing is sent.",
    "in_doubt": " Nothing is sent again.",
}


def of_new(runtime: Runtime, conn: Connection, hours: float) -> datetime:
    """The deadline of what is asked now."""
    now = tasks.now(conn)
    begins = max(now, attendance(conn).unattended_until or now)
    return next_business_moment(runtime.business, begins, timedelta(hours=hours))


def if_silent(
    business: Business, deadline: datetime | None, kind: str, *, reminded: bool = False
) -> str:
    """What the card says of it; that nothing is sent only where something would be."""
    if deadline is None:
        return NO_DEADLINE
    if kind == "escalation":
        then = "somebody is reminded again" if reminded else "somebody is reminded"
        return f"{NO_DEADLINE} From {moment(deadline, business.zone)} on, {then}."
    then = "it expires" if reminded else "somebody is reminded"
    return f"If nobody answers by {moment(deadline, business.zone)}: {then}.{UNSENT.get(kind, '')}"


def move(conn: Connection, business: Business, *, begin: datetime, to: datetime) -> None:
    """What was left of each deadline at `begin` is left of it at `to`: nobody was there, or
    is there, in between."""
    for row in tasks.sql.with_deadline(conn):
        task = tasks.of_row(row)
        left = timedelta(0)
        if task.deadline is not None and task.deadline > begin:
            left = business_time_between(business, begin, task.deadline)
        _put(conn, business, task, next_business_moment(business, to, left))


def redraw(conn: Connection) -> None:
    """What the cards of open questions say of who is here is out of date."""
    for row in tasks.sql.inbox(conn, limit=1000):
        cards.change(conn, row["question"]["id"])


def _put(conn: Connection, business: Business, task: Task, deadline: datetime) -> None:
    kind = str((task.question or {}).get("kind"))
    said = if_silent(business, deadline, kind, reminded=task.reminded_at is not None)
    # In the question too: an answer that is taken back has this time again, not the first.
    changed = (task.question or {}) | {"deadline": deadline.isoformat(), "if_silent": said}
    tasks.sql.set_deadline(conn, task_id=task.id, deadline=deadline, question=stored(changed))


def pass_deadlines(runtime: Runtime) -> int:
    """Remind of, or expire, every question whose deadline has passed."""
    with runtime.database.transaction("deadlines") as conn:
        silent = [tasks.of_row(row) for row in tasks.sql.silent(conn)]
        patient = [task for task in silent if task.reminded_at is None or stays_open(task)]
        if patient:
            channel = runtime.settings.channel_escalations
            listed = str(reminders.current(conn, channel))
            for task in patient:
                _remind(runtime, conn, task, listed)
        for task in silent:
            if task not in patient:
                _expire(conn, task)
    return len(silent)


def stays_open(task: Task) -> bool:
    """Whether it asks about a failure. Expired, it would ask the same again."""
    return (task.question or {}).get("resolves") == "failure"


def _remind(runtime: Runtime, conn: Connection, task: Task, listed: str) -> None:
    """It has its time once more, and stands on the message of that id."""
    question = task.question or {}
    days = WEEK_OF_DAYS if stays_open(task) else 1
    again = of_new(runtime, conn, runtime.settings.question_deadline_hours * days)
    cards.change_reminder(conn, question)  # an earlier one, which lists it no longer
    tasks.sql.remind(conn, task_id=task.id)
    reminded = replace(task, question=question | {"reminder": listed}, reminded_at=tasks.now(conn))
    _put(conn, runtime.business, reminded, again)
    cards.change(conn, question["id"])
    until = f"until {moment(again, runtime.business.zone)}"
    event = Event("question_reminded", step_id=task.step_id, output_summary=until)
    task_events.append(conn, task.id, event)


def _expire(conn: Connection, task: Task) -> None:
    question = task.question or {}
    tasks.sql.set_question(
        conn,
        task_id=task.id,
        question=stored(question | {"state": "expired"}),
        token=None,
        status="pending",
        wake_seconds=None,
        deadline=None,
    )
    cards.change(conn, question["id"])
    cards.change_reminder(conn, question)
    queue.wake(conn, "run_tasks")
