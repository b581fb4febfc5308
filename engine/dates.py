"""Days as people type them behind a command: 2026-12-01, 12-01, Dec 1, friday, tomorrow."""

from __future__ import annotations

import re
from datetime import date, timedelta

from engine.errors import EngineError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class DayInvalid(EngineError):
    """That is no day to come"""

    code = "day_invalid"


def read_day(text: str, today: date) -> date:
    """The next such day after today. DayInvalid says how one is written."""
    found = _named(text.strip().casefold(), today)
    if found is None or found <= today:
        raise DayInvalid(f"“{text.strip()[:40]}”; write 2026-12-01, 12-01, Dec 1, friday, tomorrow")
    return found


def _named(text: str, today: date) -> date | None:
    if text == "tomorrow":
        return today + timedelta(days=1)
    for number, name in enumerate(WEEKDAYS):
        if len(text) >= 3 and name.startswith(text):
            return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
        return _in_year(text, today)
    except ValueError:
        return None


def _in_year(text: str, today: date) -> date | None:
    """A month and a day; this year's, or next year's where that is over."""
    numbers = re.fullmatch(r"(\d{1,2})[-/](\d{1,2})", text)
    words = re.fullmatch(r"([a-z]{3})[a-z]*\.? (\d{1,2})", text)
    turned = re.fullmatch(r"(\d{1,2})\.? ([a-z]{3})[a-z]*", text)
    if numbers:
        month, day = int(numbers[1]), int(numbers[2])
    elif words and words[1] in MONTHS:
        month, day = MONTHS.index(words[1]) + 1, int(words[2])
    elif turned and turned[2] in MONTHS:
        month, day = MONTHS.index(turned[2]) + 1, int(turned[1])
    else:
        return None
    this_year = date(today.year, month, day)
    return this_year if this_year > today else date(today.year + 1, month, day)
