"""How numbers and times read: in the company's time zone, in few letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.reasons import in_words

CENT = Decimal("0.01")


def filters(zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    """The template filters that depend on where the company is."""
    return {
        "day_and_time": lambda at, now: day_and_time(at, now, zone),
        "clock": lambda at, since: clock(at, since, zone),
        "in_full": lambda at: in_full(at, zone),
        "iso": lambda at: at.astimezone(zone).isoformat(timespec="seconds"),
        "took": took,
        "lasting": lasting,
        "dollars": dollars,
        "about": about,
        "thousands": lambda number: f"{number:,}",
        "percent": lambda share: f"{share:.0%}",
        "ago": ago,
        "reason": lambda code: in_words(code, zone),
        "words": lambda name: str(name).replace("_", " "),
    }


def day_and_time(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """As much of the date as is needed to know the day."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if days == 0:
        return f"{local:%H:%M}"
    if days == -1:
        return f"yesterday {local:%H:%M}"
    if days == 1:
        return f"tomorrow {local:%H:%M}"
    if 1 < days < 7:
        return f"{local:%a %H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%b} {local.day}{year}, {local:%H:%M}"


def clock(at: datetime, since: datetime, zone: ZoneInfo) -> str:
    """To the second, and with its day where that is not the day on which it began."""
    local, began = at.astimezone(zone), since.astimezone(zone)
    if local.date() == began.date():
        return f"{local:%H:%M:%S}"
    year = "" if local.year == began.year else f" {local.year}"
    return f"{local:%b} {local.day}{year}, {local:%H:%M}"


def in_full(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%A, %B} {local.day}, {local.year}, {local:%H:%M:%S %Z}"


def took(milliseconds: int) -> str:
    """How long a step or a call took."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else lasting(timedelta(seconds=seconds))


def lasting(span: timedelta) -> str:
    """How long something lasts, in its two largest units."""
    seconds = int(span.total_seconds())
    days, rest = divmod(max(0, seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    shown = next((i for i, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[shown : shown + 2] if number) or (
        "0 s"
    )


def ago(at: datetime, now: datetime) -> str:
    """An age in one unit."""
    seconds = (now - at).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def about(cost: Decimal) -> str:
    """A cost for a list, where a tenth of a cent tells nobody anything."""
    return f"${cost:,.2f}" if cost >= CENT else "under 1¢"


def dollars(cost: Decimal | float | None) -> str:
    """To the cent, and below a cent to what can be seen."""
    if not cost:
        return "$0"
    cost = Decimal(cost)
    if cost >= CENT:
        return f"${cost:,.2f}"
    return f"${cost:.4f}" if cost >= Decimal("0.0001") else "under $0.0001"
