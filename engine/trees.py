"""Trees: a task, the parent that waits for it, and the children that it waits for.

Whoever changes more than one task locks them in the order of their ids, in which a parent
comes before its children: so two who meet in one tree wait for each other, and neither is
aborted. A child's end, a cancellation, a batch and a stop that is lifted keep to it. What
belongs to a task (its effects, its cards) is locked after the task.
"""

from __future__ import annotations

from uuid import UUID

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("trees")


def hold_parent(conn: Connection, task_id: UUID) -> None:
    """The parent that waits for this task, where one does: before the task itself."""
    sql.hold_parent(conn, task_id=task_id)


def hold(conn: Connection, task_id: UUID) -> None:
    """The whole of it that a task's end can touch."""
    sql.hold(conn, task_id=task_id)
