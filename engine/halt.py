"""The stop: one row that every intent locks, so that no effect passes it.

Lifting it lets the tasks go on that were parked for it. What else holds effects back (a
holiday, an owner who is away) releases its tasks by the same verb.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import cards, queue, task_events
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.task_events import Event

sql = queries("halt")


def standing(conn: Connection) -> dict[str, Any] | None:
    """Since when, by whom and why everything is held; None where nothing is. Held against
    a change until the transaction ends."""
    row = sql.read(conn)
    return row if row and row["halted_at"] is not None else None


def held(conn: Connection) -> list[dict[str, Any]]:
    """The tasks that the stop holds back, the longest first."""
    return sql.held(conn)


def leaving(conn: Connection) -> int:
    """How many calls had been announced before the stop and may still be on their way."""
    return sql.leaving(conn)


def begin(conn: Connection, *, by: str, reason: str = "") -> bool:
    """Hold every effect of every task back, from the next intent on."""
    if sql.begin(conn, by=by, reason=reason) is None:
        return False
    task_events.append_configuration(conn, Event("effects_halted", actor=by))
    return True


def lift(conn: Connection, *, by: str) -> int | None:
    """Let effects go again; returns how many tasks were held, None where nothing was."""
    if sql.lift(conn) is None:
        return None
    released = release(conn, "halted")
    task_events.append_configuration(
        conn, Event("effects_resumed", actor=by, output_summary=f"{released} tasks released")
    )
    return released


def release(conn: Connection, reason: str) -> int:
    """Let the tasks go on that were parked for this reason, and their cards say so; returns
    how many they are."""
    released = sql.release_held(conn, reason=reason)
    for row in released:
        if row["question_id"]:
            cards.change(conn, row["question_id"])
    queue.wake(conn, "run_tasks")
    return len(released)


def go_on_if_lifted(conn: Connection, task_id: UUID) -> None:
    """In the transaction that parks a task for a stop: whoever lifts it waits for this one,
    or has lifted it before, and then nobody else would wake the task."""
    if standing(conn) is None:
        sql.release_if_lifted(conn, task_id=task_id)
        queue.wake(conn, "run_tasks")
