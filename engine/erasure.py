"""Erasing customer data when a task's grace period has passed.

One function erases all of it: the context's personal keys, the question, the raw mail;
and what Slack shows of the task is drawn anew without it: its cards, and its steps' posts.
Events stay; they never held any.
"""

from __future__ import annotations

from engine import cards, daily_summary, intake, outlooks, task_events, tasks
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.task_events import Event


def erase_due(runtime: Runtime) -> int:
    """Erase every task whose time has come; returns how many."""
    days = runtime.settings.erase_after_days
    with runtime.database.transaction("erase") as conn:
        due = tasks.sql.erasable(conn, days=days)
        for row in due:
            erase(conn, row["id"])
        intake.sql.erase_taskless(conn, days=days)
    return len(due)


def erase(conn: Connection, task_id: object) -> None:
    tasks.sql.erase(conn, task_id=task_id)
    intake.sql.erase_of_task(conn, task_id=task_id)
    cards.erased(conn, task_id)  # type: ignore[arg-type]
    daily_summary.redraw(conn, task_id)  # type: ignore[arg-type]
    outlooks.redraw(conn, task_id)  # type: ignore[arg-type]
    task_events.append(conn, task_id, Event("task_erased", actor="engine"))  # type: ignore[arg-type]
