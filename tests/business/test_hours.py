"""Business hours: deadlines count them and nothing else, on the days when clocks change too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.business import (
    Business,
    business_time_between,
    is_business_time,
    load_business,
    next_business_moment,
)
from engine.errors import SettingsInvalid
from engine.settings import PROJECT

BUSINESS = load_business(PROJECT / "seeds" / "business.yaml")
CHICAGO = ZoneInfo("America/Chicago")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


def company(hours: dict[str, str], *, holidays: list | None = None, zone: str = "") -> Business:
    content = BUSINESS.model_dump(
        by_alias=True, exclude={"business_hours", "holidays", "quiet_hours", "seasons"}
    )
    content |= {"business_hours": hours, "holidays": holidays or []}
    content["seasons"] = BUSINESS.seasons
    return Business.model_validate(content | ({"time_zone": zone} if zone else {}))


@pytest.mark.parametrize(
    ("at", "hours", "due"),
    [
        ("2026-11-23T09:00", 0, "2026-11-23T09:00"),  # Monday, open
        ("2026-11-23T05:00", 0, "2026-11-23T08:00"),
        ("2026-11-23T17:00", 0, "2026-11-24T08:00"),
        ("2026-11-23T09:00", 8, "2026-11-23T17:00"),  # ends at closing time
        ("2026-11-23T09:00", 9, "2026-11-24T09:00"),
        ("2026-11-21T13:00", 1, "2026-11-23T09:00"),  # Saturday after noon
        ("2026-11-25T16:00", 8, "2026-11-30T12:00"),  # 1 h, Thanksgiving, 3 h on Saturday, 4 h
        ("2026-12-31T16:30", 1, "2027-01-02T09:30"),  # New Year's Day
    ],
)
def test_deadlines_count_business_hours_only(at: str, hours: float, due: str):
    moment = next_business_moment(BUSINESS, local(at), timedelta(hours=hours))
    assert moment.astimezone(CHICAGO) == local(due)


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-11-23T08:00", True),
        ("2026-11-23T07:59", False),
        ("2026-11-23T17:00", False),
        ("2026-11-22T12:00", False),
        ("2026-11-26T12:00", False),
        ("2030-12-25T12:00", False),
    ],
)
def test_when_the_office_is_open(at: str, open_: bool):
    assert is_business_time(BUSINESS, local(at)) is open_


def test_a_night_when_clocks_change_is_an_hour_longer_or_shorter():
    always = company(dict.fromkeys(("saturday", "sunday", "monday"), "00:00-24:00"))
    spring, autumn = local("2027-03-13T12:00"), local("2026-10-31T12:00")
    day = timedelta(hours=24)
    assert next_business_moment(always, spring, day).astimezone(CHICAGO).hour == 13
    assert next_business_moment(always, autumn, day).astimezone(CHICAGO).hour == 11


def test_hours_in_the_gap_and_in_the_hour_that_comes_twice():
    night = company({"sunday": "01:30-03:00"})
    at = local("2027-03-14T00:00")  # 02:00 to 03:00 is left out
    assert business_time_between(night, at, at + timedelta(days=1)) == timedelta(minutes=30)
    at = local("2026-11-01T00:00")  # 01:00 to 02:00 comes twice
    assert business_time_between(night, at, at + timedelta(days=1)) == timedelta(hours=2.5)


def test_an_office_that_never_opens_is_told_and_not_waited_for():
    closed = company(
        {"monday": "09:00-10:00"},
        holidays=[
            {"day": f"{m:02}-{d:02}"}
            for m in range(1, 13)
            for d in range(1, 32)
            if (m, d) <= (12, 31) and _exists(m, d)
        ],
    )
    with pytest.raises(SettingsInvalid, match="no day"):
        next_business_moment(closed, local("2026-11-23T09:00"))


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        is_business_time(BUSINESS, datetime(2026, 11, 23, 9))
    with pytest.raises(ValueError, match="forward"):
        next_business_moment(BUSINESS, local("2026-11-23T09:00"), -timedelta(1))


def _exists(month: int, day: int) -> bool:
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))
SPANS = st.tuples(st.integers(0, 95), st.integers(1, 96)).filter(lambda s: s[0] < s[1])
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OFFICES = st.builds(
    lambda spans, holidays, zone: company(
        {
            day: f"{opens // 4:02}:{opens % 4 * 15:02}-{closes // 4:02}:{closes % 4 * 15:02}"
            for day, (opens, closes) in spans.items()
        },
        holidays=[{"day": day} for day in holidays],
        zone=zone,
    ),
    st.dictionaries(st.sampled_from(DAYS), SPANS, min_size=1),
    st.lists(st.dates(date(2026, 1, 1), date(2029, 1, 1)), max_size=5),
    st.sampled_from(["America/Chicago", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
PLUS = st.timedeltas(timedelta(0), timedelta(hours=60))


@given(OFFICES, MOMENTS, PLUS)
def test_exactly_so_much_business_time_passes(office: Business, at: datetime, plus: timedelta):
    due = next_business_moment(office, at, plus)
    assert due >= at
    assert business_time_between(office, at, due) == plus
    if plus == timedelta(0):
        assert is_business_time(office, due)
    else:  # it was open right before
        assert is_business_time(office, due - timedelta(microseconds=1))


@given(OFFICES, MOMENTS, PLUS, PLUS)
def test_two_waits_are_as_long_as_one(
    office: Business, at: datetime, one: timedelta, two: timedelta
):
    assume(two > timedelta(0))
    between = next_business_moment(office, at, one)
    assert next_business_moment(office, between, two) == next_business_moment(office, at, one + two)


@given(OFFICES, MOMENTS)
def test_the_wall_clock_agrees(office: Business, at: datetime):
    """Said again without spans: on a day without a change of clocks, the office is open if the
    clock on its wall is between the hours of that weekday."""
    wall = at.astimezone(office.zone)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    assume(midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset())
    hours = office.opening_hours.get(wall.weekday())
    minute = wall.hour * 60 + wall.minute
    expected = hours is not None and hours.opens <= minute < hours.closes
    assert is_business_time(office, at) is (expected and not office.is_holiday(wall.date()))
