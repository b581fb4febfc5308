"""A moment in words, in the company's time zone, as cards and messages say it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Mon Jan 4, 13:00"""
    local = at.astimezone(zone)
    return f"{local:%a %b} {local.day}, {local:%H:%M}"


def day(at: datetime, zone: ZoneInfo) -> str:
    """Nov 27, 2026"""
    local = at.astimezone(zone)
    return f"{local:%b} {local.day}, {local.year}"
