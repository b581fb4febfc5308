"""When something may go out: no mail to a customer on a holiday, nothing that rings at night.

Asked by the gate in `engine/effects.py` for each effect that keeps to the calendar, and by
the card, which says when what is held back will go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.business.company import Business
from engine.business.hours import next_business_moment


@dataclass(frozen=True, slots=True)
class NotNow:
    """Until when it waits, and for which word: holiday or quiet_hours."""

    until: datetime
    why: str


def customer_mail(business: Business, now: datetime) -> NotNow | None:
    """What holds a mail to a customer back at this moment."""
    if not business.is_holiday(now.astimezone(business.zone).date()):
        return None
    return NotNow(next_business_moment(business, now), "holiday")


def ringing(business: Business, now: datetime) -> NotNow | None:
    """What holds back a message that would ring a phone."""
    night = business.quiet_hours
    if night is None:
        return None
    local = now.astimezone(business.zone)
    minute = local.hour * 60 + local.minute
    over_midnight = night.begins > night.ends
    quiet = (
        minute >= night.begins or minute < night.ends
        if over_midnight
        else night.begins <= minute < night.ends
    )
    if not quiet:
        return None
    morning = local.replace(
        hour=night.ends // 60 % 24, minute=night.ends % 60, second=0, microsecond=0
    )
    if minute >= night.ends:
        morning += timedelta(days=1)
    return NotNow(morning.astimezone(UTC), "quiet_hours")
