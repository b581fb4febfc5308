"""Reminders: one message in the channel for escalations lists the questions that nobody has
answered by their first deadline.

Who falls silent within four hours of the first joins its message, which is changed and does
not ring again; once all on it are answered, or it is older, the next one is a new message.
The rules for each question (its second time, its end) are `deadlines.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import cards, queue
from engine.cards import Card
from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("reminders")

TOGETHER_HOURS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A question, or all drafts of a batch, that still waits. `until` is its second deadline,
    None where it does not expire."""

    title: str
    until: datetime | None
    count: int
    number: int | None = None
    batch_id: UUID | None = None


def current(conn: Connection, channel: str) -> UUID:
    """The message that what falls silent now is listed on, held until the commit."""
    sql.lock(conn)
    card_id = sql.current(conn, hours=TOGETHER_HOURS)
    if card_id is None:
        card_id = sql.open(conn, channel=channel)
        queue.wake(conn, "show_cards")
    else:
        cards.change(conn, str(card_id))
    return card_id


def lines(conn: Connection, card: Card) -> list[Line]:
    """What it still reminds of, by deadline."""
    found: dict[object, Line] = {}
    for row in sql.waiting(conn, card_id=card.id):
        key = row["batch_id"] or row["number"]
        found[key] = _line(row, found.get(key))
    return list(found.values())


def _line(row: dict[str, Any], before: Line | None) -> Line:
    until = None if row["stays_open"] else row["deadline"]
    if before and before.until and until:
        until = min(until, before.until)
    count = before.count + 1 if before else 1
    if row["batch_id"] is not None:
        return Line(row["campaign"], until, count, batch_id=row["batch_id"])
    return Line(row["title"] or row["sop_name"], until, count, number=row["number"])
