"""No mail to a customer on a holiday; nothing that rings at night, whatever the clock does."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.business import Business, customer_mail, load_business, ringing
from engine.business.hours import Night
from engine.errors import SettingsInvalid
from engine.settings import PROJECT

SEEDS = load_business(PROJECT / "seeds" / "business.yaml")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31))


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def wall(business: Business, moment: datetime) -> str:
    return moment.astimezone(business.zone).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        ("2026-11-25T12:00-06:00", None),
        ("2026-11-26T00:01-06:00", "Sat 2026-11-28 09:00"),
        ("2026-11-27T23:59-06:00", "Sat 2026-11-28 09:00"),
        ("2026-11-29T12:00-06:00", None),  # a Sunday is no holiday
        ("2026-12-25T10:00-06:00", "Sat 2026-12-26 09:00"),
    ],
)
def test_a_holiday_holds_customer_mail_until_the_office_opens(moment: str, goes: str | None):
    held = customer_mail(SEEDS, at(moment))
    assert (wall(SEEDS, held.until) if held else None) == goes
    assert held is None or held.why == "holiday"


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        ("2026-11-17T20:59-06:00", None),
        ("2026-11-17T21:00-06:00", "Wed 2026-11-18 07:00"),
        ("2026-11-18T03:00-06:00", "Wed 2026-11-18 07:00"),
        ("2026-11-18T07:00-06:00", None),
        # The clock is put forward, and back, in such a night.
        ("2026-03-07T23:00-06:00", "Sun 2026-03-08 07:00"),
        ("2026-10-31T23:00-05:00", "Sun 2026-11-01 07:00"),
    ],
)
def test_the_night_is_quiet_until_the_morning(moment: str, goes: str | None):
    held = ringing(SEEDS, at(moment))
    assert (wall(SEEDS, held.until) if held else None) == goes


@given(MOMENTS, st.integers(0, 1439), st.integers(0, 1439))
def test_whatever_the_night_its_end_lies_ahead_and_is_not_quiet(
    moment: datetime, begins: int, ends: int
):
    if begins == ends:
        return
    business = SEEDS.model_copy(update={"quiet_hours": Night(begins, ends)})
    now = moment.replace(tzinfo=business.zone)
    held = ringing(business, now)
    if held is not None:
        assert held.until > now
        assert (held.until - now).total_seconds() <= 25 * 3600
        local = held.until.astimezone(business.zone)
        # An hour that the clock leaves out is the only one that may differ.
        assert abs(local.hour * 60 + local.minute - ends) in (0, 60)


@pytest.mark.parametrize("said", ["21-7", "21:00-21:00", "21:00-25:00", "soon"])
def test_a_night_that_is_none_is_refused_in_words(said: str, tmp_path):
    text = (PROJECT / "seeds" / "business.yaml").read_text()
    file = tmp_path / "business.yaml"
    file.write_text(text.replace('quiet_hours: "21:00-07:00"', f'quiet_hours: "{said}"'))
    with pytest.raises(SettingsInvalid, match=r'quiet_hours.*"21:00-07:00"'):
        load_business(file)
    file.write_text(text.replace('quiet_hours: "21:00-07:00"', "quiet_hours: none"))
    assert load_business(file).quiet_hours is None
