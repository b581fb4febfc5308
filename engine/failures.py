"""What a failure means for the task. The executor asks; nobody else does.

Held: a stop, a pause or a cancellation holds the step back. Parked: it goes on later
and uses no retry (a rate limit, an outage, an effect that is being settled). Broken:
retried with backoff 2, 4, 8 s and jitter, then the branch. Failed: the branch at once.
Doubtful: an effect in doubt that only a person can settle.
"""

from __future__ import annotations

import random
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine import cards, departures, escalation, halt, outages, progress, tasks
from engine.effects import Settling, SlotTaken
from engine.errors import (
    Ambiguous,
    EngineError,
    Held,
    InDoubt,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
)
from engine.gate import Later
from engine.positions import Position
from engine.postgres import Connection
from engine.reasons import told
from engine.runtime import Runtime
from engine.step_run import Run, StepTimedOut
from engine.steps import STEP_TYPES
from engine.task_events import Event

PARKED_VENDORS = frozenset({"crm", "slack"})
FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 900.0
# Tries of a call that a vendor fails while it serves others: with the pauses, some 70 minutes.
MOST_ALONE = 12


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody cancelled the task while it ran."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stop or a pause; the task goes on when it is lifted."""

    reason: str


@dataclass(frozen=True, slots=True)
class Parked:
    """Go on after `wait` seconds; with `outage` the vendor could not be reached."""

    reason: str
    wait: float = 0.0
    outage: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """Worth another attempt."""

    code: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Not worth another attempt. `alarm` names the cause where it is not the step's."""

    code: str
    alarm: str | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    effect_key: str


Failure = Cancelled | Waiting | Parked | Broken | Failed | Doubtful


def of(error: EngineError) -> Failure:  # noqa: PLR0911 - one for each kind
    """The class of a failure."""
    match error:
        case Held():
            return Cancelled() if error.detail == "cancelled" else Waiting(error.detail)
        case InDoubt():
            return Doubtful(error.detail)
        case Settling():
            return Parked(f"settling:{error.vendor}", error.wait)
        case Later():
            return Parked(error.why, error.wait)
        case SlotTaken():
            return Parked(error.slot, error.wait)
        case RateLimited():
            return Parked(f"rate_limited:{error.vendor}", error.retry_after)
        case Unreachable() if error.vendor in PARKED_VENDORS:
            return Parked(f"outage:{error.vendor}", outage=error.vendor)
        case Unauthorised():
            return Failed(f"unauthorised:{error.detail}", alarm=f"unauthorised:{error.vendor}")
        case Refused():
            return Failed(f"refused:{error.detail}")
        case Ambiguous() if error.vendor in PARKED_VENDORS:
            # A read that got no answer: the vendor is as good as down.
            return Parked(f"outage:{error.vendor}", outage=error.vendor)
        case Unreachable() | Ambiguous() | StepTimedOut():
            return Broken(f"{error.code}:{error.detail}")
    return Failed(f"{error.code}: {error.detail}"[:200])


def record(runtime: Runtime, run: Run, failure: Failure) -> bool:
    """Write a failure down. True where the run goes on."""
    match failure:
        case Cancelled():
            return _cancelled(runtime, run)
        case Waiting():
            return _waiting(runtime, run, failure)
        case Parked():
            return _parked(runtime, run, failure)
        case Broken():
            return _broken(runtime, run, failure)
        case Failed():
            return _failed(runtime, run, failure)
        case Doubtful():
            return escalation.ask_in_doubt(runtime, run, failure.effect_key)


def _cancelled(runtime: Runtime, run: Run) -> bool:
    closed = tasks.closed(run.task.question)
    position = Position("cancelled", run.step.id, run.task.visit, question=closed)

    def redraw(conn: Connection) -> None:
        if closed is not None:
            cards.change(conn, closed["id"])

    event = Event("task_cancelled", step_id=run.step.id)
    progress.write(runtime, run, position, [event], also=redraw if closed else None)
    return False


def _waiting(runtime: Runtime, run: Run, failure: Waiting) -> bool:
    """A stop parks the task until it is lifted; a paused agent's tasks stay runnable and
    are not claimed. A slot that was reserved is kept only by a worker that shuts down."""
    halted = failure.reason == "halted"
    held = run.task.parked_for or ""
    keeps = not held.startswith("slot:") or failure.reason == "shutdown"
    position = Position(
        "waiting_on_timer" if halted else "pending",
        run.step.id,
        run.task.visit,
        attempt=run.task.attempt,
        tier=run.task.tier,
        parked_for="halted" if halted else run.task.parked_for if keeps else None,
        wake_at=run.task.wake_at if keeps and not halted else None,
    )
    event = Event("task_parked", step_id=run.step.id, output_summary=failure.reason)
    # A worker that shuts down hands the task to the next one: nothing happened to it.
    events = [] if failure.reason == "shutdown" else [event]

    def look_again(conn: Connection) -> None:
        halt.go_on_if_lifted(conn, run.task.id)

    progress.write(runtime, run, position, events, also=look_again if halted else None)
    return False


def _parked(runtime: Runtime, run: Run, failure: Parked) -> bool:
    if failure.outage and _is_alone(runtime, run, failure):
        return _alone(runtime, run, failure)
    down = outages.begin(runtime, failure.outage) if failure.outage else None
    wait = down.wait if down is not None else failure.wait
    position = Position(
        "waiting_on_timer",
        run.step.id,
        run.task.visit,
        attempt=run.task.attempt,
        tier=run.task.tier,
        parked_for=failure.reason,
        wake_at=_in(runtime, wait),
        # Another one tries next whether the vendor is there: this one's call may be what it
        # stumbles on.
        yields=down is not None and down.tried,
    )
    summary = f"{failure.reason} {wait:.1f} s"
    # A task that meets the same outage again has nothing new to tell.
    events = [Event("task_parked", step_id=run.step.id, output_summary=summary)]
    if run.task.parked_for == failure.reason and failure.outage:
        events = []
    progress.write(runtime, run, position, events)
    return False


def _is_alone(runtime: Runtime, run: Run, failure: Parked) -> bool:
    """Whether the vendor has served somebody since this task was parked for its outage, and
    nobody has found it down again: then it is this call on which the vendor stumbles."""
    return run.task.parked_for == failure.reason and not outages.stands(
        runtime, str(failure.outage)
    )


def _alone(runtime: Runtime, run: Run, failure: Parked) -> bool:
    """It is no outage, which would hold up all others and ring each time that one of them gets
    through. The pauses grow as they do then, and in an hour or so a person must see to it."""
    attempt = run.task.attempt + 1
    if attempt > MOST_ALONE:
        return _failed(runtime, run, Failed(f"alone:{failure.outage}"))
    wait = backoff(attempt)
    position = Position(
        "waiting_on_timer",
        run.step.id,
        run.task.visit,
        attempt=attempt,
        tier=run.task.tier,
        parked_for=failure.reason,
        wake_at=_in(runtime, wait),
    )
    said = f"alone:{failure.outage} {wait:.1f} s"
    event = Event("task_parked", step_id=run.step.id, attempt=attempt, output_summary=said)
    progress.write(runtime, run, position, [event])
    return False


def _broken(runtime: Runtime, run: Run, failure: Broken) -> bool:
    attempt = run.task.attempt + 1
    if attempt > run.step.max_retries:
        return _failed(runtime, run, Failed(failure.code))
    wait = backoff(attempt)
    position = Position(
        "waiting_on_timer",
        run.step.id,
        run.task.visit,
        attempt=attempt,
        tier=run.task.tier,
        parked_for="retry",
        wake_at=_in(runtime, wait),
        error=failure.code,
    )
    event = Event(
        "step_retried",
        step_id=run.step.id,
        attempt=attempt,
        duration_ms=_took(run),
        output_summary=f"{failure.code}; again in {wait:.1f} s",
    )
    progress.write(runtime, run, position, [event])
    return False


def backoff(attempt: int) -> float:
    """2, 4, 8, … seconds, up to a quarter of an hour, with a quarter of jitter."""
    seconds = min(FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1), LONGEST_BACKOFF_SECONDS)
    return seconds * random.uniform(0.75, 1.25)


def _failed(runtime: Runtime, run: Run, failure: Failed) -> bool:
    """The branch: another step, a person, or the end."""
    event = Event(
        "question_expired" if failure.code == "expired" else "step_failed",
        step_id=run.step.id,
        attempt=run.task.attempt,
        duration_ms=_took(run),
        output_summary=failure.code,
    )
    step = run.step

    def alarm(conn: Connection) -> None:
        raise_alarm(conn, runtime, run, failure.code, cause=failure.alarm)

    if step.on_failure == "escalate":
        return escalation.ask_about_failure(runtime, run, failure.code, event, failure.alarm)
    if step.on_failure not in ("fail", "retry"):
        following = departures.destination(run, step.on_failure)
        return progress.move(runtime, run, following, [event], _left(run), also=alarm)
    position = Position("failed", step.id, run.task.visit, error=failure.code)
    events = [event, Event("task_failed", step_id=step.id, output_summary=failure.code)]
    progress.write(runtime, run, position, events, also=alarm)
    return False


def _left(run: Run) -> dict[str, Any]:
    """What the branch finds in place of what the step was to put out."""
    unanswered = getattr(STEP_TYPES[run.step.step_type], "unanswered", None)
    return unanswered(run.step.config) if unanswered is not None else {}


def raise_alarm(
    conn: Connection, runtime: Runtime, run: Run, code: str, *, cause: str | None = None
) -> None:
    """Tell people that the run's step has failed."""
    sop, step = run.procedure.sop, run.step
    cards.raise_alarm(
        conn,
        cause or f"failed:{sop.slug}:{step.key}:{code.partition(':')[0]}",
        f"{sop.name}: the step “{step.name}” failed: {told(code)}.",
        channel=runtime.settings.channel_escalations,
        task_id=run.task.id,
    )


def _took(run: Run) -> int:
    return round((time.monotonic() - run.step_began) * 1000)


def _in(runtime: Runtime, seconds: float) -> datetime:
    with runtime.database.read() as conn:
        return later(tasks.now(conn), seconds)


def later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def place_of(error: BaseException) -> str:
    """An exception as type and place, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
