"""Where a task stands, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from web.standing import standing

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Row:
    status: str
    error: str | None = None
    parked_for: str | None = None
    wake_at: datetime | None = None
    finished_at: datetime | None = None
    deadline: datetime | None = None
    open_children: int = 0
    cancel_requested_at: datetime | None = None
    step_name: str | None = "Send the reply"
    question_state: str | None = None
    question_title: str | None = None


@pytest.mark.parametrize(
    ("row", "word", "sentence"),
    [
        (Row("pending"), "queued", "Waiting for its turn at “Send the reply”"),
        (Row("pending", parked_for="paused"), "held",
         "Held at “Send the reply”: its agent is paused"),
        (Row("in_progress"), "working", "Working on “Send the reply”"),
        (Row("in_progress", cancel_requested_at=NOON), "stopping", "Stopping at “Send the reply”"),
        (Row("waiting_on_human", question_title="Reply?", deadline=NOON), "needs you",
         "Reply?, by noon"),
        (Row("escalated"), "needs you", "Stuck at “Send the reply”"),
        (Row("waiting_on_timer", wake_at=NOON), "waiting", "“Send the reply” goes on noon"),
        (Row("waiting_on_timer", wake_at=NOON, step_name=None), "waiting", "Starts noon"),
        (Row("waiting_on_timer", wake_at=NOON, question_state="undo"), "answered",
         "Answered; goes on noon"),
        (Row("waiting_on_timer", parked_for="halted"), "held",
         "Held at “Send the reply”: everything is stopped until /sop resume"),
        (Row("waiting_on_timer", open_children=3), "waiting", "Waiting for 3 child tasks"),
        (Row("waiting_on_timer", parked_for="retry", wake_at=NOON), "waiting",
         "“Send the reply” did not work; tries again noon"),
        (Row("waiting_on_timer", parked_for="outage:crm", wake_at=NOON), "waiting",
         "The CRM cannot be reached; goes on by itself; looks again noon"),
        (Row("completed", finished_at=NOON), "done", "Finished noon"),
        (Row("failed", error="expired"), "failed",
         "Failed at “Send the reply”: nobody answered in time"),
        (Row("failed"), "failed", "Failed at “Send the reply”: no reason"),
        (Row("cancelled"), "cancelled", "Cancelled at “Send the reply”"),
        (Row("of_tomorrow"), "of tomorrow", "At “Send the reply”"),
    ],
)  # fmt: skip
def test_a_sentence_for_each(row: Row, word: str, sentence: str) -> None:
    shown = standing(row, lambda _: "noon")
    assert (shown.word, shown.sentence) == (word, sentence)


def test_a_time_of_today_stands_at_it() -> None:
    row = Row("waiting_on_timer", wake_at=NOON)
    assert standing(row, lambda _: "16:00").sentence == "“Send the reply” goes on at 16:00"
