"""Carrying tasks through their steps: perform, record, and again.

The runs come from `claims.py`; a thread has one of them in hand, or several. `perform` has no
transaction open, for it may wait a minute for a model. What nothing else must commit with is
written for all of them by `abreast.py`; `record` hands what else happened to whoever writes it
down: `progress.py` where the run goes on, `failures.py`, `escalation.py` or `children.py`. Each
write checks the run token, so a worker that froze and woke up writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog

from engine import (
    abreast,
    answers,
    children,
    departures,
    escalation,
    failures,
    families,
    progress,
)
from engine.abreast import Plain
from engine.errors import EngineError, ReplyInvalid, RunLost
from engine.positions import Position
from engine.postgres import COLLISIONS, DATABASE_DOWN, Connection
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
    Stop,
    Uncertain,
)
from engine.task_events import Event

log = structlog.get_logger()

Also = Callable[[Connection], None]
Left = TypeVar("Left")
MOST_COLLISIONS = 3


def lap(
    runtime: Runtime,
    runs: Sequence[Run],
    *,
    stopping: Callable[[], bool] = bool,
    onwards: bool = False,
) -> list[Run]:
    """Take each of these runs one step further. Returns those that go on; the task of any other
    one blocks, has ended or its turn is over, or somebody else has it. Once `stopping` is true,
    the step in flight is a run's last one. A step that calls out had better be the only one.

    With `onwards` the end of tasks claims others, whose runs are among those that go on."""
    going: list[Run] = []
    plain: list[Plain] = []
    for run in runs:
        departures.enter(run, run.step)
        left = _unless_lost(run, partial(_leave_step, runtime, run, stopping))
        if isinstance(left, Plain):
            plain.append(left)
        elif left:
            going.append(run)
    if plain:
        going += _write(runtime, plain, onwards=onwards and not stopping())
    return going


def _leave_step(
    runtime: Runtime,
    run: Run,
    stopping: Callable[[], bool],
) -> Plain | bool:
    """Perform a step and record it, which is True where the run goes on; or return what is to be
    recorded, where it is plain."""
    # What does not say whether it calls out may do so by itself, and not by its context.
    with run.away() if _says_nothing(run) else nullcontext():
        outcome = perform(runtime, run)
    if stopping():
        run.steps_done = runtime.settings.turn_steps
    return _plain(runtime, run, outcome) or _record_or_fail(runtime, run, outcome)


def _plain(runtime: Runtime, run: Run, outcome: Outcome | failures.Failure) -> Plain | None:
    if not isinstance(outcome, Done | Goto | Stop):
        return None
    # Whatever stands against it is met again where it is recorded by itself, and is a failure.
    with suppress(Exception):
        leaving = departures.leave(runtime, run, *_way(run, outcome))
        if leaving.is_plain:
            return abreast.plain(leaving, outcome)
    return None


def _write(runtime: Runtime, plain: list[Plain], *, onwards: bool) -> list[Run]:
    going, unwritten = abreast.write(runtime, plain, onwards=onwards)
    for one in unwritten:
        if _unless_lost(one.run, partial(_record_or_fail, runtime, one.run, one.outcome)):
            going.append(one.run)
    return going


def _unless_lost(run: Run, step: Callable[[], Left]) -> Left | None:
    """None where the run is lost, or not even its failure can be written: then its lease runs
    out, as if its worker had died, and the others that the thread has in hand go on."""
    try:
        return _until_written(step)
    except RunLost:
        log.info("run_lost", task=run.task.number, step=run.step.key)
    except DATABASE_DOWN:
        raise
    except Exception as error:
        place = failures.place_of(error)
        log.error("run_crashed", task=run.task.number, step=run.step.key, error=place)
    return None


def _until_written(step: Callable[[], Left]) -> Left:
    """A step whose record met another change, or a migration, has written nothing: it is done
    again at once, as after a worker's death, and not when its lease has run out."""
    for _ in range(MOST_COLLISIONS):
        with suppress(*COLLISIONS):
            return step()
    return step()


def calls_out(run: Run) -> bool:
    """Whether the run's step may wait for a vendor; a step type that says nothing may."""
    return _says_nothing(run) or STEP_TYPES[run.step.step_type].calls_out(run.step.config)


def _says_nothing(run: Run) -> bool:
    return not hasattr(STEP_TYPES[run.step.step_type], "calls_out")


def give_up(runtime: Runtime, run: Run) -> None:
    """A step is over its time: void the run, so that whatever its thread still does is not
    written, and write that as the step's failure. Whatever comes next is somebody else's to
    run. Called by the keeper, which comes again where the database is away."""
    last = replace(run, steps_done=runtime.settings.turn_steps)
    run.lost = True
    try:
        failures.record(runtime, last, failures.Broken("timed_out"))
    except DATABASE_DOWN:
        run.lost = False
        raise


def perform(runtime: Runtime, run: Run) -> Outcome | failures.Failure:  # noqa: PLR0911
    """What happened. Nothing is written here but effects and what models said."""
    task = run.task
    if task.cancel_requested_at is not None:
        return failures.Cancelled()
    question = task.question
    if question and question["visit"] == task.visit and question["state"] == "expired":
        return failures.Failed("expired")
    context = Context(runtime, run, tally=children.tally(runtime, run))
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
    if question["resolves"] == "failure":
        skipped = getattr(STEP_TYPES[run.step.step_type], "skipped", None)
        return (skipped and skipped(run.step.config)) or outcome
    supplied = getattr(STEP_TYPES[run.step.step_type], "supplied", None)
    if supplied is None or question["resolves"] != "step":
        return outcome
    return replace(outcome, output=supplied(run.step.config, outcome.output))


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
        case Done() | Goto() | Stop():
            return progress.go_on(runtime, run, *_way(run, outcome))
        case Sleep():
            return _sleep(runtime, run, outcome)
        case Ask():
            return escalation.ask(runtime, run, outcome.asking)
        case Uncertain():
            return escalation.uncertain(runtime, run, outcome)
        case FanOut():
            return children.fan_out(runtime, run, outcome)
        case StartTask():
            return children.start_task(runtime, run, outcome)
        case _:
            return failures.record(runtime, run, outcome)


def _way(run: Run, outcome: Done | Goto | Stop) -> tuple[str, Done | Goto]:
    """Where a step that has come to its end leads, and with what."""
    match outcome:
        case Done():
            return run.step.on_success, outcome
        case Goto():
            return outcome.target, outcome
        case Stop():
            return "complete", Done(outcome.output, summary=outcome.reason)


def _sleep(runtime: Runtime, run: Run, outcome: Sleep) -> bool:
    position = Position(
        "waiting_on_timer", run.step.id, run.task.visit, wake_at=outcome.until, tier=run.task.tier
    )
    event = Event(
        "task_parked", step_id=run.step.id, output_summary=f"until {outcome.until:%Y-%m-%d %H:%M%z}"
    )

    def look_again(conn: Connection) -> None:
        families.end_wait(conn, run.task.id)

    ends_early = getattr(run.step.config, "unless_replied", None)
    progress.write(runtime, run, position, [event], also=look_again if ends_early else None)
    return False
