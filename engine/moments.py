"""A moment in words, in the company's time zone, as cards and messages say it; and when a
mail was sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

# Between a mail's being sent and its becoming a task. More is a clock that is wrong.
LONGEST_ON_ITS_WAY = timedelta(days=7)


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Mon Jan 4, 13:00"""
    local = at.astimezone(zone)
    return f"{local:%a %b} {local.day}, {local:%H:%M}"


def stamp(at: datetime, zone: ZoneInfo) -> str:
    """2027-01-04 13:00 CST: for lists in a shell, which may be anywhere."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def day(at: datetime, zone: ZoneInfo) -> str:
    """Nov 27, 2026"""
    local = at.astimezone(zone)
    return f"{local:%b} {local.day}, {local.year}"


def sent_at(written: object, taken: datetime, longest: timedelta = LONGEST_ON_ITS_WAY) -> datetime:
    """When the mail that was taken in at `taken` was sent, by its own word; where that is
    none, or cannot be, when it was taken in."""
    try:
        sent = datetime.fromisoformat(str(written or ""))
    except ValueError:
        return taken
    plausible = sent.tzinfo is not None and taken - longest <= sent <= taken
    return sent if plausible else taken
