"""Carrying a task through its steps: claim, perform, record, and again.

`perform` runs with no transaction open, for it may wait a minute for a model. `record`
writes the step's events, what it put out and where the task stands now in one
statement, which checks the run token: a worker that froze and woke up writes nothing.
No other module moves a task from one step to the next; what a failure means is in
`failures.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import structlog

from engine import (
    answers,
    cards,
    escalation,
    failures,
    handoffs,
    positions,
    sops,
    suppressions,
    tasks,
    trees,
)
from engine.errors import EngineError, ReplyInvalid, RunLost, SopInvalid, TaskClosed
from engine.holds import HOLDS
from engine.keyed_hash import keyed_hash
from engine.positions import Position
from engine.postgres import DATABASE_DOWN, Connection
from engine.runtime import Runtime
from engine.step_run import Context, Run
from engine.steps import STEP_TYPES
from engine.steps.contract import (
    Ask,
    Done,
    FanOut,
    Goto,
    Outcome,
    Sleep,
    StartTask,
    Step,
    Stop,
    Uncertain,
)
from engine.steps.still import WITHHELD
from engine.task_events import Event
from engine.tasks import FINISHED, Claimed

log = structlog.get_logger()

Also = Callable[[Connection], None]
RESTING = frozenset({"pending", "waiting_on_human", "waiting_on_timer", "escalated"})


def claim(runtime: Runtime) -> Run | None:
    """Take the best runnable task, or None where there is none."""
    while True:
        before = time.monotonic()
        with runtime.database.statement("claim") as conn:
            claimed = tasks.claim(conn, lease_seconds=runtime.settings.lease_seconds)
        if claimed is None:
            return None
        run = _begin(runtime, claimed, before)
        if run is not None:
            return run


def _begin(runtime: Runtime, claimed: Claimed, before: float) -> Run | None:
    """The run of what was claimed since `before`; None where its steps cannot be read, which
    ends the task."""
    task, agent = claimed
    try:
        with runtime.database.read() as conn:
            procedure = runtime.procedures.of(conn, task.sop_id)
    except SopInvalid as error:
        failures.end_unreadable(runtime, task, error)
        return None
    step = procedure.step(task.step_id)
    return Run(
        task=task,
        procedure=procedure,
        agent=agent,
        step=step,
        lease_until=before + runtime.settings.lease_seconds,
        step_deadline=before + step.timeout_seconds,
    )


def run(
    runtime: Runtime,
    run: Run,
    *,
    stopping: Callable[[], bool] = bool,
    away: Callable[[], AbstractContextManager[None]] = nullcontext,
    onwards: bool = False,
) -> Run | None:
    """Go on with a claimed task until it blocks, ends or its turn is over. Once
    `stopping` is true, the step in flight is the last one. A step that calls out is
    performed within `away`.

    With `onwards` the end of the task may claim another one, whose run is returned for the
    caller to carry."""
    try:
        while True:
            with away() if _calls_out(run.step) else nullcontext():
                outcome = perform(runtime, run)
            if stopping():
                run.steps_done = runtime.settings.turn_steps
            run.onwards = onwards and not stopping()
            if not _record_or_fail(runtime, run, outcome):
                return run.following
    except RunLost:
        log.info("run_lost", task=run.task.number, step=run.step.key)
    return None


def _calls_out(step: Step) -> bool:
    """Whether the step may wait for a vendor; a step type that says nothing may."""
    says = getattr(STEP_TYPES[step.step_type], "calls_out", None)
    return says is None or says(step.config)


def give_up(runtime: Runtime, run: Run) -> None:
    """A step is over its time: write that as its failure, and void the run, so that
    whatever its thread still does is not written. Called by the keeper."""
    failures.record(runtime, run, failures.Broken("timed_out"))
    run.lost = True


def perform(runtime: Runtime, run: Run) -> Outcome | failures.Failure:  # noqa: PLR0911
    """What happened. Nothing is written here but effects and what models said."""
    task = run.task
    if task.cancel_requested_at is not None:
        return failures.Cancelled()
    question = task.question
    if question and question["visit"] == task.visit and question["state"] == "expired":
        return failures.Failed("expired")
    context = Context(runtime, run, tally=_tally(runtime, run))
    try:
        if _decided(run):
            return _answered(run, context)
        return STEP_TYPES[run.step.step_type].run(run.step.config, context)
    except RunLost:
        raise
    except ReplyInvalid as error:
        supply = STEP_TYPES[run.step.step_type].supply
        reason = f"reply_invalid: {error.detail}"[:200]
        return Uncertain([reason], supply(run.step.config, context))
    except EngineError as error:
        return failures.of(error)
    except DATABASE_DOWN:
        raise
    except Exception as error:
        return _crashed(run, error)


def _crashed(run: Run, error: Exception) -> failures.Failure:
    # The message may quote a customer; its type and place may not.
    place = failures.place_of(error)
    log.error("step_crashed", task=run.task.number, step=run.step.key, error=place)
    return failures.Broken(f"crashed: {place}")


def _decided(run: Run) -> bool:
    """Whether a person has said what this step puts out."""
    question = run.task.question
    return (
        question is not None
        and question["visit"] == run.task.visit
        and question["state"] in ("answered", "undo")
        and answers.is_output(question)
    )


def _answered(run: Run, context: Context) -> Outcome:
    """What a person decided, in the shape of this step's own output, once the step type has
    done what the answer makes it do."""
    question = run.task.question or {}
    carry_out = getattr(STEP_TYPES[run.step.step_type], "carry_out", None)
    if carry_out is not None and question["resolves"] == "step":
        carry_out(context, question["answer"]["fields"])
    outcome = answers.outcome(question)
    supplied = getattr(STEP_TYPES[run.step.step_type], "supplied", None)
    if supplied is None or question["resolves"] != "step":
        return outcome
    return replace(outcome, output=supplied(run.step.config, outcome.output))


def _tally(runtime: Runtime, run: Run) -> dict[str, int] | None:
    """How this step's children ended; None where it has started none yet."""
    if run.step.step_type != "for_each" or not run.task.context.get(_fanned_out(run)):
        return None
    with runtime.database.read() as conn:
        return {row["status"]: row["n"] for row in tasks.sql.tally(conn, task_id=run.task.id)}


def _fanned_out(run: Run) -> str:
    return f"fanned_out_{run.task.visit}"


# -- record -------------------------------------------------------------------------


def _record_or_fail(runtime: Runtime, run: Run, outcome: Outcome | failures.Failure) -> bool:
    """`record`; an outcome that cannot be written down (its output is too large, the SOP
    that it starts is gone) is the step's failure. Otherwise the task would be taken up
    again and again, for ever."""
    try:
        return record(runtime, run, outcome)
    except (RunLost, *DATABASE_DOWN):
        raise
    except EngineError as error:
        failure = failures.of(error)
    except Exception as error:
        failure = _crashed(run, error)
    return failures.record(runtime, run, failure)


def record(  # noqa: PLR0911 - one for each outcome
    runtime: Runtime, run: Run, outcome: Outcome | failures.Failure
) -> bool:
    """Write it down. True where the run goes on with the next step."""
    match outcome:
        case Done():
            return _go_on(runtime, run, run.step.on_success, outcome)
        case Goto():
            return _go_on(runtime, run, outcome.target, outcome)
        case Stop():
            return _go_on(runtime, run, "complete", Done(outcome.output, summary=outcome.reason))
        case Sleep():
            return _sleep(runtime, run, outcome)
        case Ask():
            return escalation.ask(runtime, run, outcome.asking)
        case Uncertain():
            return _uncertain(runtime, run, outcome)
        case FanOut():
            return _fan_out(runtime, run, outcome)
        case StartTask():
            return _start_task(runtime, run, outcome)
        case _:
            return failures.record(runtime, run, outcome)


def _go_on(
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
    over = _turn_is_over(runtime, run)
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
    run.task = replace(
        task,
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
    run.following = claimed and _begin(runtime, claimed, before)


def _turn_is_over(runtime: Runtime, run: Run) -> bool:
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
    row = _written(runtime, run, position, events, _with_card(run, position, also))
    if row["cancel_requested_at"] is not None and position.status in RESTING:
        with runtime.database.transaction("record:cancelled") as conn:
            tasks.end_cancelled(conn, run.task.id)
    return row


def _with_card(run: Run, position: Position, also: Also | None) -> Also | None:
    """What was approved is held back from now on, or no longer: its card says so."""
    question = run.task.question
    if question is None or HOLDS.keys().isdisjoint({position.parked_for, run.task.parked_for}):
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
    ends = _ends_for_others(run, position)
    if also is None and not ends:
        with runtime.database.statement(f"record:{position.status}") as conn:
            return positions.record(conn, task, position, events)
    with runtime.database.transaction(f"record:{position.status}") as conn:
        if ends:
            trees.hold_parent(conn, task.id)
        row = positions.record(conn, task, position, events)
        if ends:
            tasks.end_child(conn, task)
        if also is not None:
            also(conn)
    return row


def _ends_for_others(run: Run, position: Position) -> bool:
    """Whether the task ends, and a parent or children of it must hear of that."""
    task = run.task
    return position.status in FINISHED and (task.parent_id is not None or task.open_children > 0)


# -- outcomes that block --------------------------------------------------------------


def _sleep(runtime: Runtime, run: Run, outcome: Sleep) -> bool:
    position = Position(
        "waiting_on_timer", run.step.id, run.task.visit, wake_at=outcome.until, tier=run.task.tier
    )
    event = Event(
        "task_parked", step_id=run.step.id, output_summary=f"until {outcome.until:%Y-%m-%d %H:%M%z}"
    )
    write(runtime, run, position, [event])
    return False


def _uncertain(runtime: Runtime, run: Run, outcome: Uncertain) -> bool:
    """The next tier tries; at the cap, or where no model can help, a person."""
    reasons = ", ".join(outcome.reasons)
    event = Event(
        "step_uncertain",
        step_id=run.step.id,
        tier=run.tier,
        confidence=outcome.confidence,
        duration_ms=round((time.monotonic() - run.step_began) * 1000),
        output_summary=reasons,
    )
    if run.step.on_uncertain != "escalate_tier":
        return move(runtime, run, destination(run, run.step.on_uncertain), [event])
    if outcome.final or run.tier >= run.highest_tier:
        return escalation.ask_at_cap(runtime, run, outcome.asking, event)
    tier = run.tier + 1
    over = _turn_is_over(runtime, run)
    status = "pending" if over else "in_progress"
    position = Position(status, run.step.id, run.task.visit, tier=tier, yields=over)
    events = [event, Event("tier_escalated", step_id=run.step.id, tier=tier)]

    def tell(conn: Connection) -> None:
        sop = run.procedure.sop.slug
        cards.raise_alarm(
            conn,
            f"tier3:{sop}:{run.step.key}",
            f"{sop}: the step “{run.step.name}” needed the dearest model.",
            channel=runtime.settings.channel_escalations,
            task_id=run.task.id,
        )

    row = write(runtime, run, position, events, also=tell if tier == 3 else None)
    if over:
        return False
    run.task = replace(
        run.task, tier=tier, attempt=0, cancel_requested_at=row["cancel_requested_at"]
    )
    enter(run, run.step)
    return True


def _fan_out(runtime: Runtime, run: Run, outcome: FanOut) -> bool:
    """Start the children and park, in one transaction; the last child's end wakes us."""
    task = run.task
    with runtime.database.read() as conn:
        sop = sops.active(conn, outcome.sop)
        now = tasks.now(conn)
    position = Position(
        "waiting_on_timer",
        run.step.id,
        task.visit,
        children=len(outcome.contexts),
        output={_fanned_out(run): True},
    )
    event = Event(
        "children_started",
        step_id=run.step.id,
        output_summary=f"{len(outcome.contexts)} of {outcome.sop}",
    )

    settings, kind = runtime.settings, f"once:{outcome.sop}"
    keys = [keyed_hash(settings, kind, one) for one in outcome.once] if outcome.once else None

    def start_children(conn: Connection) -> None:
        tasks.sql.release_children(conn, task_id=task.id)
        first, count = None, 0
        for n, context in enumerate(outcome.contexts):
            child = tasks.start(
                conn,
                sop.id,
                context=context,
                actor=f"task {task.number}",
                subject=context.get("customer_id"),
                priority=task.priority,
                wake_at=failures.later(now, n * outcome.pace) if n * outcome.pace else None,
                parent=task,
                joined=True,
                item=n,
                dedupe_key=keys[n] if keys else None,
            )
            if child is None:
                tasks.sql.child_ended(conn, task_id=task.id)
                continue
            first, count = first or child, count + 1
        if first is not None:
            handoffs.tell(runtime, conn, task, first, count)

    write(runtime, run, position, [event], also=start_children)
    return False


def _start_task(runtime: Runtime, run: Run, outcome: StartTask) -> bool:
    task = run.task
    with runtime.database.read() as conn:
        sop = sops.active(conn, outcome.sop)

    def start(conn: Connection) -> None:
        child = tasks.start(
            conn,
            sop.id,
            context=outcome.context,
            actor=f"task {task.number}",
            subject=task.subject,
            wake_at=outcome.at,
            parent=task,
        )
        if child is None:
            raise TaskClosed("the child task could not be started")
        handoffs.tell(runtime, conn, task, child)

    return _go_on(runtime, run, run.step.on_success, Done(summary=outcome.sop), also=start)
