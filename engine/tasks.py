"""Tasks: runs of SOPs. The row is the truth, and these verbs are the only way to change it.

Each verb changes the state and appends its event in the caller's transaction. What a
run writes between its claim and its end is in `positions.py`; what a question is, in
`questions.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import agents, cards, occasions, queue, task_events, trees
from engine.agents import Agent
from engine.errors import ContextTooLarge, NotFound, TaskClosed
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader
from engine.stored_json import stored
from engine.task_events import Event

sql = queries("tasks")

CONTEXT_LIMIT = 256 * 1024
PERSONAL_PREFIXES = ("customer_", "email_", "draft_")
CANCEL_REASON = "draft_cancel_reason"
FINISHED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True)
class Task:
    id: UUID
    number: int
    sop_id: UUID
    agent_id: UUID
    status: str
    step_id: UUID | None
    context: dict[str, Any]
    subject: str | None
    priority: int
    queued_at: datetime
    dedupe_key: bytes | None
    parent_id: UUID | None
    joined: bool
    item: int | None
    open_children: int
    run_token: UUID | None
    lease_until: datetime | None
    step_started_at: datetime | None
    visit: int
    attempt: int
    tier: int | None
    wake_at: datetime | None
    parked_for: str | None
    wait_token: UUID | None
    question: dict[str, Any] | None
    deadline: datetime | None
    reminded_at: datetime | None
    cancel_requested_at: datetime | None
    slack_channel: str | None
    slack_thread_ts: str | None
    error: str | None
    events: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    erased_at: datetime | None

    def moved(self, **changes: Any) -> Task:
        """The task with these fields changed. For each step of a run: `replace` would read all
        of the others by name, and costs a twelfth of what the worker does for a step."""
        moved = object.__new__(Task)
        moved.__dict__.update(self.__dict__, **changes)
        return moved


Claimed = tuple[Task, Agent]
of_row = reader(Task)


def start(
    conn: Connection,
    sop_id: UUID,
    *,
    context: Mapping[str, Any],
    actor: str,
    dedupe_key: bytes | None = None,
    subject: str | None = None,
    priority: int = 0,
    wake_at: datetime | None = None,
    parent: Task | None = None,
    joined: bool = False,
    item: int | None = None,
) -> Task | None:
    """Start a task of this SOP version: its row, its first event and its wake-up.

    None where `dedupe_key` has started one before. `actor` says what started it.
    """
    row = sql.start(
        conn,
        sop_id=sop_id,
        context=stored(checked_context(context)),
        subject=subject,
        priority=priority,
        dedupe_key=dedupe_key,
        parent_id=parent.id if parent else None,
        joined=joined,
        item=item,
        wake_at=wake_at,
        slack_channel=None,
        slack_thread_ts=None,
    )
    if row is None:
        return None
    task = of_row(row)
    task_events.append(conn, task.id, Event("task_started", actor=actor, output_summary=actor))
    queue.wake(conn, "run_tasks")
    return task


def checked_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context as a dict, or ContextTooLarge naming its largest key."""
    if len(json.dumps(context, default=str)) > CONTEXT_LIMIT:
        largest = max(context, key=lambda key: len(json.dumps(context[key], default=str)))
        raise ContextTooLarge(
            f"more than {CONTEXT_LIMIT // 1024} KB; the largest key is {largest!r}"
        )
    return dict(context)


def get(conn: Connection, task_id: UUID) -> Task:
    return _found(sql.get(conn, task_id=task_id), f"task {task_id}")


def get_by_number(conn: Connection, number: int) -> Task:
    return _found(sql.get_by_number(conn, number=number), f"task {number}")


def lock(conn: Connection, task_id: UUID) -> Task:
    """The task, held against every other writer until the transaction ends; and, before it,
    the parent that waits for it."""
    trees.hold_parent(conn, task_id)
    return _found(sql.lock(conn, task_id=task_id), f"task {task_id}")


def _found(row: dict[str, Any] | None, name: str) -> Task:
    if row is None:
        raise NotFound(name, cure="`bin/engine task list` shows the newest")
    return of_row(row)


# -- what a run does --------------------------------------------------------------


def claim(conn: Connection, *, lease_seconds: float, room: int = 1) -> list[Claimed]:
    """Take the best runnable task, with its agent; or up to `room` of them, where nobody is
    passed over by that. None of them where nothing is runnable."""
    return [claimed(row) for row in sql.claim(conn, lease_seconds=lease_seconds, room=room)]


def claimed(row: dict[str, Any]) -> Claimed:
    agent = agents.from_json(row.pop("agent"))
    return of_row(row), agent


def end_child(conn: Connection, child: Task) -> None:
    """Count a joined child's end at its parent; the last one makes the parent runnable."""
    if child.parent_id is None or not child.joined:
        return
    row = sql.child_ended(conn, task_id=child.parent_id)
    if row and row["open_children"] == 0:
        queue.wake(conn, "run_tasks")


def now(conn: Connection) -> datetime:
    """Business time."""
    return sql.now(conn)


def recount(conn: Connection) -> None:
    """Put the agents' counts of running tasks right. Their rows first: so no claim and no
    release is under way while the tasks are counted."""
    sql.lock_counted_agents(conn)
    sql.recount_running(conn)


# -- what people do ---------------------------------------------------------------


def cancel(
    conn: Connection, task_id: UUID, *, by: str, reason: str = "", code: str | None = None
) -> Task:
    """End a task. One that is running stops before its next effect or step.

    The reason is a person's own words, which may name a customer: it stands in the
    context, where erasure finds it, and not in the log. There stands a code, if any."""
    task = lock(conn, task_id)
    if task.status in FINISHED:
        raise TaskClosed(f"task {task.number} is {task.status}; there is nothing to cancel")
    if reason:
        sql.keep_reason(conn, task_id=task.id, reason=stored({CANCEL_REASON: reason}))
    _cancel(conn, task, Event("task_cancelled", actor=by, output_summary=code))
    return get(conn, task_id)


def _cancel(conn: Connection, task: Task, event: Event) -> None:
    if task.status != "in_progress":
        finish(conn, task, "cancelled", event)
    elif task.cancel_requested_at is None:
        sql.request_cancel(conn, task_id=task.id)
        asked = Event("cancel_requested", actor=event.actor, output_summary=event.output_summary)
        task_events.append(conn, task.id, asked)


def end_cancelled(conn: Connection, task_id: UUID) -> None:
    """End a task whose run has come to rest after somebody cancelled it."""
    task = lock(conn, task_id)
    if task.status not in FINISHED and task.status != "in_progress":
        finish(conn, task, "cancelled", Event("task_cancelled", step_id=task.step_id))


def finish(
    conn: Connection,
    task: Task,
    status: str,
    event: Event,
    *,
    error: str | None = None,
    question: dict[str, Any] | None = None,
) -> None:
    """End a task that nobody is running, and cancel the children it waits for."""
    trees.hold(conn, task.id)
    shut = question if question is not None else closed(task.question)
    sql.finish(
        conn,
        task_id=task.id,
        status=status,
        error=error,
        question=stored(shut) if shut is not None else None,
    )
    task_events.append(conn, task.id, event)
    end_child(conn, task)
    for row in sql.open_children_of(conn, task_id=task.id):
        ended = Event("task_cancelled", actor=event.actor, output_summary="parent task ended")
        _cancel(conn, lock(conn, row["id"]), ended)
    if shut is not None:
        _close_card(conn, shut)


def _close_card(conn: Connection, shut: dict[str, Any]) -> None:
    cards.change(conn, shut["id"])
    cards.change_reminder(conn, shut)


def closed(question: dict[str, Any] | None) -> dict[str, Any] | None:
    """The question as nobody can answer it any more; None where nobody could before."""
    if question is None or question["state"] not in ("open", "editing", "undo"):
        return None
    return question | {"state": "cancelled"}


def rerun(conn: Connection, task_id: UUID, step_id: UUID, *, by: str) -> Task:
    """Send a task that nobody is running to a step again, as a new visit.

    A new visit means new effects: what an earlier visit sent may be sent again, because
    a person said so.
    """
    task = lock(conn, task_id)
    if task.erased_at is not None:
        raise TaskClosed(f"task {task.number} is erased; its data is gone, so start a new one")
    if task.status == "in_progress":
        raise TaskClosed(f"task {task.number} is running; cancel it or wait for it to stop")
    if task.open_children:
        raise TaskClosed(f"task {task.number} waits for {task.open_children} child tasks")
    if later := occasions.taken_up_by(conn, task.dedupe_key):
        raise TaskClosed(f"task {task.number} had its occasion; task {later} has taken it up")
    shut = closed(task.question)
    if shut is not None:
        sql.set_question(
            conn,
            task_id=task.id,
            question=stored(shut),
            token=None,
            status="pending",
            wake_seconds=None,
            deadline=None,
        )
        _close_card(conn, shut)
    if task.joined and task.status in FINISHED:
        sql.child_reopened(conn, task_id=task.parent_id)
    if sql.reposition(conn, task_id=task.id, step_id=step_id, fresh=True) is None:
        raise TaskClosed(f"that is no step of the procedure of task {task.number}")
    task_events.append(conn, task.id, Event("task_rerun", step_id=step_id, actor=by))
    queue.wake(conn, "run_tasks")
    return get(conn, task_id)
