"""Where a run leaves its task: the writes between a claim and the end of a run.

Each is one statement that checks the run token, so that a worker that froze and woke up
changes nothing. `progress.py` and its callers decide what is written; what people do to
a task is in `tasks.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from engine.errors import RunLost
from engine.postgres import Connection
from engine.stored_json import stored
from engine.task_events import Event
from engine.tasks import Claimed, Task, checked_context, claimed, sql


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run leaves its task. What is not named is cleared."""

    status: str
    step_id: UUID | None
    visit: int
    attempt: int = 0
    tier: int | None = None
    wake_at: datetime | None = None
    parked_for: str | None = None
    wait_token: UUID | None = None
    question: dict[str, Any] | None = None
    deadline: datetime | None = None
    children: int = 0
    subject: str | None = None
    error: str | None = None
    yields: bool = False
    output: Mapping[str, Any] = field(default_factory=dict)

    def is_only(self, status: str) -> bool:
        """Whether the task is left so, and nothing is kept but what its step has put out."""
        return self == Position(
            status, self.step_id, self.visit,
            question=self.question, subject=self.subject, output=self.output,
        )  # fmt: skip


def record(
    conn: Connection,
    task: Task,
    position: Position,
    events: Sequence[Event],
    *,
    unless_cancelled: bool = False,
) -> dict[str, Any]:
    """Write what a run did and where the task stands now. One statement.

    Returns `cancel_requested_at`. Raises RunLost where the run token is no longer valid, or,
    with `unless_cancelled`, where somebody cancelled the task; then nothing was written.
    """
    if len(events) == 1 and position.is_only("in_progress"):
        kept = _kept(task, position)
        return _row(task, sql.advance(
            conn, **kept, next_step_id=position.step_id, **events[0].params()
        ))  # fmt: skip
    rows = [{"n": n, **event.params()} for n, event in enumerate(events, start=1)]
    return _row(task, sql.record(
        conn,
        **_kept(task, position),
        status=position.status,
        step_id=position.step_id,
        attempt=position.attempt,
        tier=position.tier,
        wake_at=position.wake_at,
        parked_for=position.parked_for,
        wait_token=position.wait_token,
        deadline=position.deadline,
        children=position.children,
        error=position.error,
        yields=position.yields,
        unless_cancelled=unless_cancelled,
        at_visit=task.visit,
        count=len(rows),
        events=Jsonb(rows, dumps=_dumps),
    ))  # fmt: skip


def complete(
    conn: Connection, task: Task, position: Position, event: Event, *, lease_seconds: float
) -> Claimed | None:
    """End the task as completed, after its last step's `event`, and claim the best runnable
    one with the same statement. Returns what was claimed, or None. Raises RunLost.

    For a task that nothing else must change with, of an agent that has no limit."""
    facts = event.params() | {"step_id": position.step_id}
    kept = _kept(task, position)
    row = _row(task, sql.complete(conn, **kept, **facts, lease_seconds=lease_seconds))
    return claimed(row) if row["id"] is not None else None


def _kept(task: Task, position: Position) -> dict[str, Any]:
    """What every position says: whose it is, at which visit, and what is kept for good."""
    output, question = position.output, position.question
    if output:
        checked_context({**task.context, **output})
    return {
        "task_id": task.id,
        "run_token": task.run_token,
        "visit": position.visit,
        "question": stored(question) if question is not None else None,
        "subject": position.subject,
        "output": stored(output) if output else None,
    }


def _row(task: Task, row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise RunLost(f"task {task.number}")
    return row


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str)


def keep_reply(conn: Connection, task: Task, output: Mapping[str, Any], event: Event) -> None:
    """Store a model's reply with what it cost. Raises RunLost."""
    _row(task, sql.keep_reply(
        conn,
        task_id=task.id,
        run_token=task.run_token,
        output=stored(dict(output)),
        **event.params(),
    ))  # fmt: skip
