"""Questions that nobody answers. Silence is never a yes.

At the deadline a reminder goes to #escalations and the question gets the same time
again; at the second deadline it is expired, and the task follows on_failure.
"""

from __future__ import annotations

from datetime import timedelta

from engine import cards, queue, task_events, tasks
from engine.business import next_business_moment
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.stored_json import stored
from engine.task_events import Event
from engine.tasks import Task


def pass_deadlines(runtime: Runtime) -> int:
    """Remind of, or expire, every question whose deadline has passed."""
    with runtime.database.transaction("deadlines") as conn:
        silent = [Task(**row) for row in tasks.sql.silent(conn)]
        for task in silent:
            if task.reminded_at is None:
                _remind(runtime, conn, task)
            else:
                _expire(conn, task)
    return len(silent)


def _remind(runtime: Runtime, conn: Connection, task: Task) -> None:
    question = task.question or {}
    hours = runtime.settings.question_deadline_hours
    again = next_business_moment(runtime.business, tasks.now(conn), timedelta(hours=hours))
    # In the question too: an answer that is taken back has this time again, not the first.
    extended = question | {"deadline": again.isoformat()}
    tasks.sql.remind(conn, task_id=task.id, deadline=again, question=stored(extended))
    until = f"{again.astimezone(runtime.business.zone):%a %d %b %H:%M}"
    event = Event("question_reminded", step_id=task.step_id, output_summary=f"until {until}")
    task_events.append(conn, task.id, event)
    cards.raise_alarm(
        conn,
        cards.silence(question["id"]),
        f"Task {task.number} still waits for an answer, until {until}.",
        channel=runtime.settings.channel_escalations,
        task_id=task.id,
    )


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
    cards.close_alarm(conn, cards.silence(question["id"]))
    queue.wake(conn, "run_tasks")
