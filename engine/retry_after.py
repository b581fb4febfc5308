"""How long a vendor asks us to wait: the Retry-After header, read without trust.

Vendor adapters use it when they turn a 429 or 529 into RateLimited; the executor then
parks the task for so long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3600.0
"""Nobody waits longer on one header's word: after an hour we simply ask again."""


def retry_after(headers: Mapping[str, str], default: float) -> float:
    """Seconds to wait, between 0.5 and LONGEST; `default` where the header is of no use."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return _bounded(seconds)
    at = _http_date(text)
    if at is not None:
        return _bounded((at - datetime.now(UTC)).total_seconds())
    return default


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _http_date(text: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.5), LONGEST)
