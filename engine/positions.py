"""Where a run leaves its task: the writes between a claim and the end of a run.

Each is one statement that checks the run token, so that a worker that froze and woke up
changes nothing. `record` writes for one run whatever there is; `advance` and `complete` write
for several at once what most steps come to. `progress.py` and its callers decide what is
written; what people do to a task is in `tasks.py`.
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
from engine.stored_json import storable, stored
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


def facts_of(task: Task, position: Position, event: Event) -> str:
    """What `advance` or `complete` is told of one run: where it leaves its task, with the one
    event of a step that is completed. As JSON, so that whoever writes for several finds out
    before which of them cannot be written."""
    output = position.output
    if output:
        checked_context({**task.context, **output})
    facts = {
        "task_id": str(task.id),
        "run_token": str(task.run_token),
        "next_step_id": str(position.step_id),
        "visit": position.visit,
        "output": output or None,
        "question": position.question,
        "subject": position.subject,
        "step_id": str(event.step_id),
        "event_type": event.event_type,
        "attempt": event.attempt,
        "tier": event.tier,
        "confidence": event.confidence,
        "duration_ms": event.duration_ms,
        "output_summary": event.summary,
    }
    return storable({name: fact for name, fact in facts.items() if fact is not None})


def advance(conn: Connection, facts: Sequence[str]) -> dict[UUID, dict[str, Any]]:
    """Take runs to their next steps, each with its step's event. One statement.

    Returns a row with `cancel_requested_at` for each task that was written. One that is not
    among them has lost its run, or somebody holds its row: `record` says which."""
    rows = sql.advance(conn, facts=_together(facts))
    return {row["id"]: row for row in rows}


def complete(
    conn: Connection, facts: Sequence[str], *, onwards: bool, lease_seconds: float
) -> tuple[frozenset[UUID], list[Claimed]]:
    """End tasks as completed, each after its last step's event; with `onwards`, claim the best
    runnable ones with the same statement, at most as many as were ended. Returns the ids of
    those that were ended, as `advance` does, and what was claimed.

    For tasks that nothing else must change with, of agents that have no limit."""
    rows = sql.complete(
        conn,
        facts=_together(facts),
        onwards=onwards,
        lease_seconds=lease_seconds,
    )
    ended = frozenset(rows[0]["done"] or ())
    return ended, [claimed(row) for row in rows if row["id"] is not None]


def _together(facts: Sequence[str]) -> str:
    return f"[{','.join(facts)}]"


def _kept(task: Task, position: Position) -> dict[str, Any]:
    """What a record says first: whose it is, at which visit, and what is kept for good."""
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
