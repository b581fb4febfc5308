"""What a card says of earlier tasks about the same customer."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from engine import tasks
from engine.moments import day
from engine.postgres import Connection
from engine.tasks import Task

ENDED = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}


def of_customer(conn: Connection, task: Task, zone: ZoneInfo) -> str:
    if task.subject is None:
        looked_up = task.context.get("customer_found") is not None
        return "New to us." if looked_up and not task.context.get("customer_perhaps") else ""
    rows = tasks.sql.history(conn, subject=task.subject, task_id=task.id)
    if not rows:
        return "Known customer; no earlier task."
    return "\n".join(
        f"{day(row['at'], zone)}, task {row['number']}: {row['sop_name']}"
        f" ({ENDED.get(row['status'], 'still open')})"
        for row in rows
    )
