"""Cards: Slack messages whose text follows from our own rows.

A card says what is wanted (`wanted`) and what was last shown (`shown`), never the text:
that is drawn from the question or the alarm when it is posted. So a lost card can be
posted again, an edit is only a redraw, and nothing personal stands in this table. The
posting itself is `card_poster.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import queue
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader

sql = queries("cards")

TOGETHER_HOURS = 4


@dataclass(frozen=True, slots=True)
class Card:
    id: UUID
    kind: str
    task_id: UUID | None
    cause: str | None
    count: int
    summary: str
    channel: str
    posted_channel: str | None
    ts: str | None
    wanted: int
    shown: int
    tries: int
    next_try_at: datetime
    closed_at: datetime | None
    created_at: datetime
    generation: int
    again: bool
    error: str | None
    set_aside: bool
    held_until: datetime | None
    alike: str | None
    follows: UUID | None

    @property
    def unposted(self) -> bool:
        """It is to become a new message."""
        return self.ts is None or self.again


of_row = reader(Card)


def get(conn: Connection, card_id: str | UUID) -> Card | None:
    """None also where the text is no id at all: it comes from outside."""
    wanted = _id(card_id)
    row = sql.get(conn, card_id=wanted) if wanted else None
    return None if row is None else of_row(row)


def shown_on(conn: Connection, question_id: str) -> Card | None:
    """The card on which people see a question: its own, or its batch's."""
    wanted = _id(question_id)
    row = sql.shown_on(conn, card_id=wanted) if wanted else None
    return None if row is None else of_row(row)


def _id(text: str | UUID) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def open_question(
    conn: Connection, question_id: str, *, task_id: UUID, channel: str, alike: str | None = None
) -> None:
    """A card for a question, in the transaction that asks it. Where one that is `alike` was
    asked within these hours and is still open, it goes to that one's thread and rings nobody."""
    if alike is not None:
        sql.lock_alike(conn, alike=alike)
    sql.open(
        conn, card_id=question_id, task_id=task_id, channel=channel, alike=alike,
        hours=TOGETHER_HOURS,
    )  # fmt: skip
    queue.wake(conn, "show_cards")


def followers(conn: Connection, card_id: UUID) -> list[int]:
    """The tasks whose questions stand in this card's thread and are still open."""
    return [row["number"] for row in sql.followers(conn, card_id=card_id)]


def open_unposted(conn: Connection, question_id: str, *, task_id: UUID, channel: str) -> None:
    """For a question that a batch's card shows: only its id is kept, for its token."""
    sql.open_unposted(conn, card_id=question_id, task_id=task_id, channel=channel)


def open_batch(conn: Connection, batch_id: UUID, *, task_id: UUID, channel: str) -> None:
    """A batch's card, in the transaction that freezes its list."""
    sql.open_batch(conn, card_id=batch_id, task_id=task_id, channel=channel)
    queue.wake(conn, "show_cards")


def change(conn: Connection, question_id: str) -> None:
    """What the card shows is out of date: the question's own, or its batch's."""
    sql.change(conn, card_id=question_id)
    queue.wake(conn, "show_cards")


def erased(conn: Connection, task_id: UUID) -> None:
    """The task's data is gone: its cards say so, and so do posts that may have named a
    customer."""
    sql.change_of_task(conn, task_id=task_id)
    sql.rewrite_posts(conn, task_id=task_id)
    queue.wake(conn, "show_cards")


def change_reminder(conn: Connection, question: Mapping[str, Any]) -> None:
    """What its reminder lists is out of date, where it was reminded of."""
    if question.get("reminder"):
        change(conn, question["reminder"])


def raise_alarm(
    conn: Connection, cause: str, summary: str, *, channel: str, task_id: UUID | None = None
) -> int:
    """Tell people, once for each cause; returns how often it has happened since.

    `cause` is a stable key (`outage:crm`, `failed:new_lead_response:send`), `summary` one
    line without customer data.
    """
    row = sql.raise_alarm(conn, cause=cause, summary=summary, channel=channel, task_id=task_id)
    queue.wake(conn, "show_cards")
    return row["count"]


def is_alarming(conn: Connection, cause: str) -> bool:
    """Whether there is an alarm of this cause that is not over."""
    return bool(sql.is_alarming(conn, cause=cause))


def close_alarm(conn: Connection, cause: str) -> bool:
    """The cause is over. False where there was none."""
    closed = sql.close_alarm(conn, cause=cause) is not None
    if closed:
        queue.wake(conn, "show_cards")
    return closed
