"""Whatever the day was like, Slack takes its summary."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.daily_summary import Day
from engine.slack.summary_card import summary_card, task_in
from tests.slack.questions import words
from tests.slack.test_blocks import SPECIAL
from web.local.slack import limits

NUMBERS = st.integers(0, 10_000)
PROCEDURES = st.fixed_dictionaries(
    {"sop_name": words, "started": NUMBERS, "completed": NUMBERS, "failed": NUMBERS,
     "cancelled": NUMBERS, "cost_usd": st.decimals(0, 1000, places=6)}
)  # fmt: skip
SPAM = st.fixed_dictionaries(
    {"id": st.uuids(), "number": NUMBERS, "erased_at": st.none() | st.just(date(2026, 1, 1)),
     "subject": st.none() | words, "sender": st.none() | words, "restarted": st.booleans()}
)  # fmt: skip


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(PROCEDURES, max_size=30), st.lists(SPAM, max_size=40), NUMBERS,
       st.dictionaries(st.sampled_from(["pending", "escalated"]), NUMBERS))  # fmt: skip
def test_slack_takes_any_summary(
    procedures: list[Any], spam: list[Any], number: int, still_open: dict[str, int]
):
    day = Day(date(2026, 11, 17), procedures, number, number, spam, still_open, number)
    said, blocks = summary_card(day, url="https://engine.example")
    assert said.strip()
    assert limits.of_message(blocks) == []
    assert not limits.too_long_together(blocks)
    assert not SPECIAL.search(json.dumps(blocks, ensure_ascii=False).replace("\\n", " "))


def test_a_button_names_the_task_and_nothing_else():
    row = {"id": "0b", "number": 7, "erased_at": None, "subject": "Cheap seo", "sender": "A",
           "restarted": False}  # fmt: skip
    procedure = {"sop_name": "Leads", "started": 1, "completed": 1, "failed": 0, "cancelled": 0,
                 "cost_usd": Decimal("0.0012")}  # fmt: skip
    _, blocks = summary_card(
        Day(date(2026, 11, 17), [procedure], 0, 0, [row], {}, 0), url="https://e.example"
    )
    [button] = [block["accessory"] for block in blocks if "accessory" in block]
    assert button["value"] == "spam:0b"
    assert task_in(button["value"]) == "0b"
    assert task_in("other.token") is None
