"""Seasons: which one is meant on a day, over the turn of the year too."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.business import is_selling, load_business, season_to_sell
from engine.settings import PROJECT

BUSINESS = load_business(PROJECT / "seeds" / "business.yaml")


@pytest.mark.parametrize(
    ("on", "lawn", "snow"),
    [
        (date(2026, 11, 15), "lawn-2026", "snow-2026"),
        (date(2026, 11, 16), "lawn-2027", "snow-2026"),
        (date(2027, 1, 5), "lawn-2027", "snow-2026"),
        (date(2027, 4, 15), "lawn-2027", "snow-2026"),
        (date(2027, 4, 16), "lawn-2027", "snow-2027"),
    ],
)
def test_the_season_that_one_would_sign_for(on: date, lawn: str, snow: str):
    assert season_to_sell(BUSINESS, "lawn", on) == lawn
    assert season_to_sell(BUSINESS, "snow", on) == snow


@pytest.mark.parametrize(
    ("on", "lawn", "snow"),
    [
        (date(2027, 2, 14), False, False),
        (date(2027, 2, 15), True, False),
        (date(2027, 6, 15), True, False),
        (date(2027, 12, 15), False, True),
        (date(2027, 12, 16), False, False),
    ],
)
def test_when_a_season_is_offered(on: date, lawn: bool, snow: bool):
    assert is_selling(BUSINESS, "lawn", on) is lawn
    assert is_selling(BUSINESS, "snow", on) is snow


def test_selling_may_run_over_the_turn_of_the_year():
    season = BUSINESS.season("snow").model_copy(
        update={"selling_starts": date(2000, 11, 1), "selling_ends": date(2000, 2, 29)}
    )
    company = BUSINESS.model_copy(update={"seasons": (season,)})
    assert is_selling(company, "snow", date(2027, 1, 5))
    assert is_selling(company, "snow", date(2027, 2, 28))
    assert not is_selling(company, "snow", date(2027, 3, 1))


@given(st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_the_season_to_sell_never_goes_back(on: date):
    for name in ("lawn", "snow"):
        today = season_to_sell(BUSINESS, name, on)
        assert today <= season_to_sell(BUSINESS, name, on + timedelta(days=1))
