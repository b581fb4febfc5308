"""Where a run goes from a step, before anything of it is written.

A departure is what a step's end comes to: the next step, the end of the task or the end of the
turn, and what has to commit together with it. `progress.py` writes one by itself; what nothing
else must commit with is plain, and `abreast.py` writes it along with those of other runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine import cards, suppressions, task_events
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


@dataclass(frozen=True, slots=True)
class Departure:
    """A step's end before it is written: where the run goes (None is the end of its task), how
    it leaves its task, and what else must commit with that."""

    run: Run
    following: Step | None
    position: Position
    events: Sequence[Event]
    also: Also | None

    @property
    def is_plain(self) -> bool:
        """Whether nothing is written but the end of this step, or of the task with it."""
        return (
            self.also is None
            and self.events[0].event_type == "step_completed"
            and (
                self.position.status == "in_progress"
                or (
                    self.position.status == "completed"
                    # What `complete` of positions.py does not do.
                    and self.run.agent.max_concurrent_tasks is None
                    and not ends_for_others(self.run, self.position)
                )
            )
            and with_card(self.run, self.position, None) is None
        )


def leave(
    runtime: Runtime,
    run: Run,
    target: str,
    done: Done | Goto,
    *,
    also: Also | None = None,
) -> Departure:
    """The step is completed; the way to `target`: next, complete or a step's key."""
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
    event = Event(
        "step_completed",
        step_id=run.step.id,
        attempt=run.task.attempt,
        tier=run.tier if run.step.step_type.startswith("llm_") else None,
        confidence=done.confidence,
        duration_ms=round((time.monotonic() - run.step_began) * 1000),
        output_summary=done.summary or None,
    )
    return departure(
        runtime, run, following, [event], done.output, done.subject, question=decided, also=also
    )


def destination(run: Run, target: str) -> Step | None:
    """The step that a target names; None is the end of the task."""
    if target == "complete":
        return None
    if target == "next":
        return run.procedure.after(run.step)
    return run.procedure.by_key(target)


def departure(
    runtime: Runtime,
    run: Run,
    following: Step | None,
    events: list[Event],
    output: Any = None,
    subject: str | None = None,
    *,
    question: dict[str, Any] | None = None,
    also: Also | None = None,
) -> Departure:
    """What the way from this step comes to. A run whose turn is over leaves its task to
    whoever claims it next."""
    task = run.task
    if following is None:
        position = Position("completed", run.step.id, task.visit, output=output or {},
                            subject=subject, question=question)  # fmt: skip
        return Departure(run, None, position, [*events, Event("task_completed")], also)
    if (task.visit + 1) % LAP == 0 and _goes_round(runtime, run):
        return _endless(runtime, run, events, also)
    # The step that is being left is one of them.
    over = turn_is_over(runtime, run, steps=run.steps_done + 1)
    position = Position(
        "pending" if over else "in_progress",
        following.id,
        task.visit + 1,
        output=output or {},
        subject=subject,
        question=question,
        yields=over,
    )
    return Departure(run, following, position, events, also)


def _goes_round(runtime: Runtime, run: Run) -> bool:
    """Whether it has left so many steps since a person, a timer or children last had a say in
    it: two steps are each other's on_failure, say."""
    with runtime.database.read() as conn:
        return task_events.sql.steps_since_rest(conn, task_id=run.task.id) >= LAP - 2


def _endless(runtime: Runtime, run: Run, events: list[Event], also: Also | None) -> Departure:
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

    return Departure(run, None, position, events, tell)


def turn_is_over(runtime: Runtime, run: Run, *, steps: int) -> bool:
    """Whether others have their turn, after so many steps of this run."""
    settings = runtime.settings
    return steps >= settings.turn_steps or time.monotonic() - run.began >= settings.turn_seconds


def enter(run: Run, step: Step) -> None:
    """The step's own time begins."""
    run.step = step
    run.step_began = time.monotonic()
    run.step_deadline = run.step_began + step.timeout_seconds


def with_card(run: Run, position: Position, also: Also | None) -> Also | None:
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


def ends_for_others(run: Run, position: Position) -> bool:
    """Whether the task ends, and a parent or children of it must hear of that."""
    task = run.task
    return position.status in FINISHED and (task.parent_id is not None or task.open_children > 0)
