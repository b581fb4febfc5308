"""What is left of a call when its task has ended before anybody knew what became of it.

A task may be cancelled, or fail, while a call of it is under way and its worker dies; no
step comes back to it, so nobody would ever look the call up or ask about it. Once a minute
such a call is settled as unknown: it is never made again, a person is told, and the task's
data can be erased in its time. A vendor's own report still counts afterwards.
"""

from __future__ import annotations

from engine import cards, effects, rulings, tasks
from engine.postgres import Connection
from engine.rulings import PLACES
from engine.runtime import Runtime


def settle_due(runtime: Runtime) -> int:
    """Settle every call that its ended task has left open, and that no vendor can still be
    at; returns how many."""
    with runtime.database.read() as conn:
        found = effects.sql.left_over(conn)
    return sum(_settle(runtime, row["key"]) for row in found)


def _settle(runtime: Runtime, key: str) -> bool:
    with runtime.database.transaction("leave_unknown") as conn:
        row = rulings.leave_unknown(conn, key)
        if row is not None:
            _tell(conn, runtime, row["task_id"], row["vendor"])
    return row is not None


def _tell(conn: Connection, runtime: Runtime, task_id: object, vendor: str) -> None:
    task = tasks.get(conn, task_id)  # type: ignore[arg-type]
    cards.raise_alarm(
        conn,
        f"unknown:task:{task.id}",
        f"Task {task.number} is {task.status}, and a call of it may or may not have gone out"
        f" before that. It is not made again. Where to look: {PLACES[vendor]}.",
        channel=runtime.settings.channel_escalations,
        task_id=task.id,
    )
