"""What a card says at its foot: what has become of the question.

The engine knows the state from the task; the card only shows it. A card with buttons is
`Open` or `Editing`, one that can still be taken back is `Undo`, all others are frozen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Open:
    """Nobody has answered."""


@dataclass(frozen=True, slots=True)
class Editing:
    """Somebody has the modal open. The others may still answer: the first one wins."""

    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Undo:
    """Answered, and about to be carried out `seconds` after the answer, at `until`. A
    refusal sends nothing."""

    by: str
    until: datetime
    seconds: int
    what: str = "Send as is"
    sends: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """`what` is the answer in words: the button's label, and a reason where one was given."""

    by: str
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Carried out: the mail has left, the record is written."""

    by: str
    at: datetime
    what: str = "Sent"


@dataclass(frozen=True, slots=True)
class Held:
    """Answered, and not carried out yet: `why` says what holds it back, `until` when it goes
    out by itself, where that is known."""

    by: str
    at: datetime
    what: str
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Erased:
    """The task's customer data is gone, and the card's with it."""


CardState = Open | Editing | Undo | Answered | Sent | Held | Expired | Cancelled | Erased
