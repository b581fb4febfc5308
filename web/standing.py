"""Where a task stands, in one sentence: what it does or whom it waits for.

Word and colour together, never colour alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.reasons import in_words


class Row(Protocol):
    """What a sentence needs to know; a row of a list and a task's page both have it."""

    @property
    def status(self) -> str: ...
    @property
    def error(self) -> str | None: ...
    @property
    def parked_for(self) -> str | None: ...
    @property
    def wake_at(self) -> datetime | None: ...
    @property
    def finished_at(self) -> datetime | None: ...
    @property
    def deadline(self) -> datetime | None: ...
    @property
    def open_children(self) -> int: ...
    @property
    def cancel_requested_at(self) -> datetime | None: ...
    @property
    def step_name(self) -> str | None: ...
    @property
    def question_state(self) -> str | None: ...
    @property
    def question_title(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    word: str
    tone: str
    sentence: str


Time = Callable[[datetime], str]


def standing(row: Row, time: Time) -> Standing:  # noqa: PLR0911 - one for each status
    """`time` writes a moment the way the page does."""
    step = f"“{row.step_name}”" if row.step_name else "its first step"
    match row.status:
        case "pending" if row.parked_for == "paused":
            return Standing("held", "warn", f"Held at {step}: its agent is paused")
        case "pending":
            return Standing("queued", "calm", f"Waiting for its turn at {step}")
        case "in_progress" if row.cancel_requested_at:
            return Standing("stopping", "warn", f"Stopping at {step}")
        case "in_progress":
            return Standing("working", "busy", f"Working on {step}")
        case "waiting_on_human":
            by = f", by {time(row.deadline)}" if row.deadline else ""
            return Standing("needs you", "need", f"{row.question_title or 'Asks'}{by}")
        case "escalated":
            return Standing("needs you", "need", row.question_title or f"Stuck at {step}")
        case "waiting_on_timer":
            return _waiting(row, step, time)
        case "completed":
            when = f" {time(row.finished_at)}" if row.finished_at else ""
            return Standing("done", "good", f"Finished{when}")
        case "failed":
            return Standing(
                "failed", "bad", f"Failed at {step}: {in_words(row.error) or 'no reason'}"
            )
        case "cancelled":
            return Standing("cancelled", "calm", f"Cancelled at {step}")
    return Standing(row.status.replace("_", " "), "calm", f"At {step}")


def _waiting(row: Row, step: str, time: Time) -> Standing:  # noqa: PLR0911 - as above
    when = f" {_at(time(row.wake_at))}" if row.wake_at else ""
    if row.question_state == "undo":
        return Standing("answered", "busy", f"Answered; goes on{when}")
    if row.parked_for == "halted":
        return Standing("held", "warn", f"Held at {step}: {in_words('halted')}")
    if row.open_children:
        return Standing("waiting", "calm", f"Waiting for {row.open_children} child tasks")
    if row.parked_for == "retry":
        return Standing("waiting", "calm", f"{step} did not work; tries again{when}")
    if row.parked_for:
        why = in_words(row.parked_for)
        return Standing("waiting", "calm", f"{why[:1].upper()}{why[1:]}; looks again{when}")
    if row.step_name is None:
        return Standing("waiting", "calm", f"Starts{when}")
    return Standing("waiting", "calm", f"{step} goes on{when}")


def _at(moment: str) -> str:
    """ "at 16:00", but "tomorrow 08:00"."""
    return f"at {moment}" if moment[0].isdigit() else moment
