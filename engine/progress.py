"""A run goes on: to the next step, to its end, or to rest.

Called by the executor with what a step put out, by failures and by questions. Each write is
one statement or one transaction with whatever must commit together with it; the statements
are in `positions.py`, and where a run goes from a step is in `departures.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine import positions, tasks, trees
from engine.departures import (
    Also,
    Departure,
    departure,
    ends_for_others,
    enter,
    leave,
    with_card,
)
from engine.errors import RunLost
from engine.positions import Position
from engine.runtime import Runtime
from engine.step_run import Run
from engine.steps.contract import Done, Goto, Step
from engine.task_events import Event

RESTING = frozenset({"pending", "waiting_on_human", "waiting_on_timer", "escalated"})


def go_on(
    runtime: Runtime,
    run: Run,
    target: str,
    done: Done | Goto,
    *,
    also: Also | None = None,
) -> bool:
    """Leave the step and write that by itself. True where the run goes on."""
    return depart(runtime, leave(runtime, run, target, done, also=also))


def move(
    runtime: Runtime,
    run: Run,
    following: Step | None,
    events: list[Event],
    output: Any = None,
    *,
    also: Also | None = None,
) -> bool:
    """Record the step's end and put the task at the next step, or end it."""
    return depart(runtime, departure(runtime, run, following, events, output, also=also))


def depart(runtime: Runtime, leaving: Departure) -> bool:
    """Write it by itself, with whatever must commit with it. True where the run goes on."""
    row = write(
        runtime, leaving.run, leaving.position, list(leaving.events), also=leaving.also
    )  # fmt: skip
    return arrive(leaving, row["cancel_requested_at"])


def arrive(leaving: Departure, cancel_requested_at: datetime | None) -> bool:
    """The departure is written: the run stands at its next step, where it goes on."""
    run, following, position = leaving.run, leaving.following, leaving.position
    if following is None or position.status != "in_progress":
        return False
    run.steps_done += 1
    task = run.task
    run.task = task.moved(
        context={**task.context, **position.output},
        step_id=following.id,
        visit=position.visit,
        attempt=0,
        tier=None,
        wake_at=None,
        parked_for=None,
        subject=position.subject or task.subject,
        question=position.question or task.question,
        cancel_requested_at=cancel_requested_at,
    )
    enter(run, following)
    return True


def write(
    runtime: Runtime,
    run: Run,
    position: Position,
    events: list[Event],
    *,
    also: Also | None = None,
) -> dict[str, Any]:
    """The one statement, with whatever must commit together with it. A task that was
    cancelled while it ran does not come to rest: it ends."""
    run.confirm_writable()
    also = with_card(run, position, also)
    try:
        return _written(runtime, run, position, events, also)
    except RunLost:
        if position.status not in RESTING:
            raise
        return _ended(runtime, run, position, events, also)


def _ended(
    runtime: Runtime, run: Run, position: Position, events: list[Event], also: Also | None
) -> dict[str, Any]:
    """Rest and end in one transaction: whoever dies leaves neither an open question nor
    children that somebody runs. RunLost where it was that."""
    with runtime.database.transaction("record:cancelled") as conn:
        trees.hold(conn, run.task.id)
        row = positions.record(conn, run.task, position, events)
        if also is not None:
            also(conn)
        tasks.end_cancelled(conn, run.task.id)
    return row


def _written(
    runtime: Runtime, run: Run, position: Position, events: list[Event], also: Also | None
) -> dict[str, Any]:
    task = run.task
    ends, rests = ends_for_others(run, position), position.status in RESTING
    if also is None and not ends:
        with runtime.database.statement(f"record:{position.status}") as conn:
            return positions.record(conn, task, position, events, unless_cancelled=rests)
    with runtime.database.transaction(f"record:{position.status}") as conn:
        if ends:
            trees.hold_parent(conn, task.id)
        row = positions.record(conn, task, position, events, unless_cancelled=rests)
        if ends:
            tasks.end_child(conn, task)
        if also is not None:
            also(conn)
    return row
