"""Where a run goes: to the next step, to its end, or to rest.

Called by the executor with what a step put out, by failures and by questions. Each write is
one statement or one transaction with whatever must commit together with it; the statements
are in `positions.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from engine import cards, claims, positions, suppressions, task_events, tasks, trees
from engine.errors import RunLost
from engine.holds import HOLDS
from engine.positions import Position
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.solitude import beneath
from engine.step_run import Run
from engine.steps.contract import Done, Goto, Step
from engine.steps.still import WITHHELD
from engine.task_events import Event
from engine.tasks import FINISHED

Also = Callable[[Connection], None]
# So many steps in a row no procedure has; one that goes round in circles does.
LAP = 100
ENDLESS = "endless"
RESTING = frozenset({"pending", "waiting_on_human", "waiting_on_timer", "escalated"})


def go_on(
    runtime: Runtime,
    run: Run,
    target: str,
    done: Done | Goto,
    *,
    also: Also | None = None,
) -> bool:
    """The step is completed; go to `target`: next, complete or a step's key."""
    following = destination(run, target)
    question = run.task.question
    decided = None
    if question and question["state"] == "undo" and question["visit"] == run.task.visit:
        # The seconds for taking it back are over: the card's button goes.
        decided = question | {"state": "answered"}
        also = also or (lambda conn: cards.change(conn, question["id"]))
    elif question and WITHHELD in done.output:
        # What was approved is not sent after all: its card says why.
        also = also or (lambda conn: cards.change(conn, question["id"]))
    if done.subject is not None and run.task.subject is None:
        also = suppressions.catching_up(runtime.settings, run.task, done.subject, also)
    events = [
        Event(
            "step_completed",
            step_id=run.step.id,
            attempt=run.task.attempt,
            tier=run.tier if run.step.step_type.startswith("llm_") else None,
            confidence=done.confidence,
            duration_ms=round((time.monotonic() - run.step_began) * 1000),
            output_summary=done.summary or None,
        )
    ]
    return move(
        runtime, run, following, events, done.output, done.subject, question=decided, also=also
    )


def destination(run: Run, target: str) -> Step | None:
    """The step that a target names; None is the end of the task."""
    if target == "complete":
        return None
    if target == "next":
        return run.procedure.after(run.step)
    return run.procedure.by_key(target)


def move(
    runtime: Runtime,
    run: Run,
    following: Step | None,
    events: list[Event],
    output: Any = None,
    subject: str | None = None,
    *,
    question: dict[str, Any] | None = None,
    also: Also | None = None,
) -> bool:
    """Record the step's end and put the task at the next step, or end it."""
    task = run.task
    run.steps_done += 1
    if following is None:
        events.append(Event("task_completed"))
        position = Position("completed", run.step.id, task.visit, output=output or {},
                            subject=subject, question=question)  # fmt: skip
        _complete(runtime, run, position, events, also)
        return False
    if (task.visit + 1) % LAP == 0 and _goes_round(runtime, run):
        return _end_endless(runtime, run, events, also)
    over = turn_is_over(runtime, run)
    position = Position(
        "pending" if over else "in_progress",
        following.id,
        task.visit + 1,
        output=output or {},
        subject=subject,
        question=question,
        yields=over,
    )
    row = write(runtime, run, position, events, also=also)
    if over:
        return False
    run.task = task.moved(
        context={**task.context, **(output or {})},
        step_id=following.id,
        visit=task.visit + 1,
        attempt=0,
        tier=None,
        wake_at=None,
        parked_for=None,
        subject=subject or task.subject,
        question=question or task.question,
        cancel_requested_at=row["cancel_requested_at"],
    )
    enter(run, following)
    return True


def _goes_round(runtime: Runtime, run: Run) -> bool:
    """Whether it has left so many steps since a person, a timer or children last had a say in
    it: two steps are each other's on_failure, say."""
    with runtime.database.read() as conn:
        return task_events.sql.steps_since_rest(conn, task_id=run.task.id) >= LAP - 2


def _end_endless(runtime: Runtime, run: Run, events: list[Event], also: Also | None) -> bool:
    position = Position("failed", run.step.id, run.task.visit, error=ENDLESS)
    events = [*events, Event("task_failed", step_id=run.step.id, output_summary=ENDLESS)]
    sop = run.procedure.sop

    def tell(conn: Connection) -> None:
        if also is not None:
            also(conn)
        cards.raise_alarm(
            conn,
            f"endless:{sop.slug}",
            f"{sop.name} went round in circles, {LAP} steps without a rest, and was ended. Its"
            f" steps lead to each other; the last was “{run.step.name}”.",
            channel=runtime.settings.channel_escalations,
            task_id=run.task.id,
        )

    write(runtime, run, position, events, also=tell)
    return False


def _complete(
    runtime: Runtime, run: Run, position: Position, events: list[Event], also: Also | None
) -> None:
    """Record the task's end; where nothing else must change with it, claim the next one in
    the same statement."""
    step_ended, *rest = events
    if (
        not run.onwards
        or run.agent.max_concurrent_tasks is not None
        or rest != [Event("task_completed")]
        or _ends_for_others(run, position)
        or _with_card(run, position, also) is not None
    ):
        write(runtime, run, position, events, also=also)
        return
    run.confirm_writable()
    lease = runtime.settings.lease_seconds
    before = time.monotonic()
    with runtime.database.statement("record:completed") as conn:
        claimed = positions.complete(conn, run.task, position, step_ended, lease_seconds=lease)
    run.following = claimed and claims.begin(runtime, claimed, before)


def turn_is_over(runtime: Runtime, run: Run) -> bool:
    settings = runtime.settings
    return (
        run.steps_done >= settings.turn_steps
        or time.monotonic() - run.began >= settings.turn_seconds
    )


def enter(run: Run, step: Step) -> None:
    """The step's own time begins."""
    run.step = step
    run.step_began = time.monotonic()
    run.step_deadline = run.step_began + step.timeout_seconds


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
    also = _with_card(run, position, also)
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


def _with_card(run: Run, position: Position, also: Also | None) -> Also | None:
    """What was approved is held back from now on, or no longer: its card says so."""
    question = run.task.question
    if question is None or HOLDS.keys().isdisjoint(
        {position.parked_for, beneath(run.task.parked_for)}
    ):
        return also

    def redraw(conn: Connection) -> None:
        cards.change(conn, question["id"])
        if also is not None:
            also(conn)

    return redraw


def _written(
    runtime: Runtime, run: Run, position: Position, events: list[Event], also: Also | None
) -> dict[str, Any]:
    task = run.task
    ends, rests = _ends_for_others(run, position), position.status in RESTING
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


def _ends_for_others(run: Run, position: Position) -> bool:
    """Whether the task ends, and a parent or children of it must hear of that."""
    task = run.task
    return position.status in FINISHED and (task.parent_id is not None or task.open_children > 0)
