"""Lists of tasks for people: newest first, by key, a page at a time.

A page is two queries, whatever it is of: which tasks, and what their rows say, cost
included. The verbs that change tasks are in `tasks.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("task_list")

PAGE = 50
ENDED_BADLY = frozenset({"failed", "cancelled"})
OPEN = frozenset({"pending", "in_progress", "waiting_on_human", "waiting_on_timer", "escalated"})


@dataclass(frozen=True, slots=True)
class TaskRow:
    id: UUID
    number: int
    status: str
    subject: str | None
    created_at: datetime
    finished_at: datetime | None
    error: str | None
    parked_for: str | None
    wake_at: datetime | None
    deadline: datetime | None
    open_children: int
    cancel_requested_at: datetime | None
    erased_at: datetime | None
    sop: str
    sop_name: str
    step_name: str | None
    customer_name: str | None
    question_state: str | None
    question_title: str | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Page:
    """`older` is the key that the next page begins before; None on the last page."""

    rows: list[TaskRow]
    older: UUID | None


def page(
    conn: Connection,
    *,
    statuses: Sequence[str] | None = None,
    sop: str | None = None,
    subject: str | None = None,
    before: UUID | None = None,
    size: int = PAGE,
) -> Page:
    """One page, of a customer, or of a procedure, or of everything."""
    # One more than is shown says whether there is another page.
    given: dict[str, Any] = {"before": before, "limit": size + 1}
    wanted = list(statuses) if statuses is not None else None
    if subject is not None:
        found = sql.of_subject(conn, subject=subject, **given)
    elif wanted and set(wanted) <= ENDED_BADLY:
        found = sql.ended_badly(conn, statuses=wanted, sop=sop, **given)
    elif wanted and set(wanted) <= OPEN:
        found = sql.open(conn, statuses=wanted, sop=sop, **given)
    elif sop is not None:
        found = sql.of_sop(conn, sop=sop, statuses=wanted, **given)
    else:
        found = sql.recent(conn, statuses=wanted, **given)
    rows = _rows(conn, found[:size])
    return Page(rows, rows[-1].id if len(found) > size else None)


def children(conn: Connection, task_id: UUID, *, limit: int = 200) -> list[TaskRow]:
    """A task's children, the newest first."""
    return _rows(conn, sql.children(conn, task_id=task_id, limit=limit))


def _rows(conn: Connection, found: Sequence[dict[str, Any]]) -> list[TaskRow]:
    ids = [row["id"] for row in found]
    return [TaskRow(**row) for row in sql.rows(conn, ids=ids)] if ids else []
