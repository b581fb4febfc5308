"""When the office is open. Deadlines count these hours only, and no customer is written to
on a holiday.

Hours are what the clock on the office wall shows, so on the days when it is changed a
night may be an hour longer or shorter; every calculation is made in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.errors import SettingsInvalid

DAY_MINUTES = 24 * 60
LONGEST_CLOSURE_DAYS = 400


@dataclass(frozen=True, slots=True)
class Hours:
    """From and until, in minutes since midnight; 24:00 is 1440."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Night:
    """From and until, in minutes since midnight; it may reach over midnight."""

    begins: int
    ends: int


class Office(Protocol):
    """What these functions need of the business file."""

    @property
    def zone(self) -> ZoneInfo: ...

    @property
    def opening_hours(self) -> Mapping[int, Hours]:
        """By weekday, Monday 0; a day without is closed."""
        ...

    def is_holiday(self, day: date) -> bool: ...


def is_business_time(office: Office, at: datetime) -> bool:
    opens, _ = next(_spans(office, _utc(at)))
    return opens <= _utc(at)


def next_business_moment(office: Office, at: datetime, plus: timedelta = timedelta(0)) -> datetime:
    """The moment when `plus` of business time has passed since `at`, in UTC.

    With nothing to add it is `at` itself, or the next opening where the office is closed.
    A deadline that falls on closing time is that day's closing, not the next opening."""
    if plus < timedelta(0):
        raise ValueError("business time only runs forward")
    moment, left = _utc(at), plus
    for opens, closes in _spans(office, moment):
        begins = max(opens, moment)
        if left <= closes - begins:
            return begins + left
        left -= closes - begins
    raise AssertionError("_spans never ends")


def business_time_between(office: Office, begin: datetime, end: datetime) -> timedelta:
    """How much business time lies between two moments."""
    begin, end = _utc(begin), _utc(end)
    passed = timedelta(0)
    for opens, closes in _spans(office, begin):
        if opens >= end:
            break
        passed += min(closes, end) - max(opens, begin)
    return passed


def _spans(office: Office, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The open spans that end after a moment, in order, without end."""
    # A day before: at 00:30 yesterday's span, open until 24:00 elsewhere, may still matter.
    day = after.astimezone(office.zone).date() - timedelta(days=1)
    closed = 0
    while closed < LONGEST_CLOSURE_DAYS:
        hours = office.opening_hours.get(day.weekday())
        if hours is None or office.is_holiday(day):
            closed += 1
        else:
            closed = 0
            opens = _moment(day, hours.opens, office.zone, fold=0)
            closes = _moment(day, hours.closes, office.zone, fold=1)
            if opens < closes and after < closes:
                yield opens, closes
        day += timedelta(days=1)
    raise SettingsInvalid("business_hours and holidays leave no day on which the office is open")


def _moment(day: date, minutes: int, zone: ZoneInfo, *, fold: int) -> datetime:
    wall = datetime.combine(day, time.min) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(UTC)
