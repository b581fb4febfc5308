"""What an open question's card says besides the question: that today is a holiday, and who is
away. True when it is drawn, and drawn anew when it changes; nothing of it is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.attendance import Attendance
from engine.business import customer_mail
from engine.moments import moment
from engine.questions import OPEN, Question
from engine.runtime import Runtime

NAMED = 20


@dataclass(frozen=True, slots=True)
class Remarks:
    """`notes` for everybody to read; `addressed`: the Slack ids of those it is for, where
    somebody else is away."""

    notes: tuple[str, ...] = ()
    addressed: tuple[str, ...] = ()

    def counting(self, followers: Sequence[int]) -> Remarks:
        """With those that ask the same in the card's thread."""
        if not followers:
            return self
        named = ", ".join(f"{number}" for number in followers[:NAMED])
        more = f" and {len(followers) - NAMED} more" if len(followers) > NAMED else ""
        tasks = "task" if len(followers) == 1 else "tasks"
        said = f"{len(followers)} more like this in the thread: {tasks} {named}{more}."
        return replace(self, notes=(*self.notes, said))

    def on(self, question: Question) -> Question:
        """The question with its notes, to be drawn."""
        return question | {"notes": [*question.get("notes", []), *self.notes]}


def remarks(runtime: Runtime, here: Attendance, question: dict[str, Any], now: datetime) -> Remarks:
    if question.get("state") not in OPEN:
        return Remarks()
    absent = of_absence(runtime, here)
    notes = [*_holiday(runtime, question, now), *absent.notes]
    return Remarks(tuple(notes), absent.addressed)


def of_absence(runtime: Runtime, here: Attendance) -> Remarks:
    """Who is away, and whom an open question is for meanwhile; a batch's card says it too."""
    ids = [user.slack_user_id for user in here.present if user.slack_user_id]
    return Remarks(tuple(_absence(runtime, here)), tuple(ids) if here.away else ())


def _holiday(runtime: Runtime, question: dict[str, Any], now: datetime) -> list[str]:
    if not question.get("mail") or not runtime.settings.calendar_is_kept:
        return []
    held = customer_mail(runtime.business, now)
    if held is None:
        return []
    until = moment(held.until, runtime.business.zone)
    return [f"Today is a holiday: what is approved now goes out {until}."]


def _absence(runtime: Runtime, here: Attendance) -> list[str]:
    zone = runtime.business.zone
    away = [
        f"{user.called} is away until {moment(user.away_until, zone)}"
        for user in here.away
        if user.away_until is not None
    ]
    if not away:
        return []
    names = " and ".join(user.called for user in here.present)
    then = f"this is for {names}" if names else "until then no deadline runs"
    return [f"{'; '.join(away)}: {then}."]
