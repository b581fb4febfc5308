"""Retry-After, in every form that a vendor may send and some that it should not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.retry_after import LONGEST, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.5),
        ({"retry-after": "-5"}, 0.5),
        ({"retry-after": "86400"}, LONGEST),
        ({"retry-after": "nan"}, 7),
        ({"retry-after": "inf"}, 7),
        ({"retry-after": "soon"}, 7),
        ({"retry-after": ""}, 7),
        ({}, 7),
        ({"retry-after-ms": "2500", "retry-after": "9"}, 2.5),
    ],
)
def test_seconds(headers: dict[str, str], seconds: float):
    assert retry_after(headers, 7) == seconds


def test_a_date_is_read_as_one():
    at = datetime.now(UTC) + timedelta(seconds=90)
    assert 85 < retry_after({"retry-after": format_datetime(at, usegmt=True)}, 7) <= 90
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 7) == 0.5


@given(st.text())
def test_nothing_in_the_header_breaks_it(text: str):
    assert 0.5 <= retry_after({"retry-after": text}, 7) <= LONGEST
