"""Seasons: which one a customer would sign for, and when it is offered."""

from __future__ import annotations

from datetime import date, timedelta

from engine.business.company import Business


def season_to_sell(business: Business, name: str, on: date) -> str:
    """The season that would be signed for on this day, such as lawn-2027: the one that is
    running, or else the next."""
    season = business.season(name)
    year = on.year - 1
    while _span(season.starts, season.ends, year)[1] < on:
        year += 1
    return f"{name}-{year}"


def is_selling(business: Business, name: str, on: date) -> bool:
    """Whether the season is offered on this day."""
    season = business.season(name)
    spans = (
        _span(season.selling_starts, season.selling_ends, year) for year in (on.year - 1, on.year)
    )
    return any(first <= on <= last for first, last in spans)


def _span(starts: date, ends: date, year: int) -> tuple[date, date]:
    first = _in_year(starts, year)
    return first, _in_year(ends, year if ends >= starts else year + 1)


def _in_year(day: date, year: int) -> date:
    # The 29th of February is the day before the 1st of March.
    if (day.month, day.day) == (2, 29):
        return date(year, 3, 1) - timedelta(days=1)
    return day.replace(year=year)
