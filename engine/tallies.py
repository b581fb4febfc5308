"""Tallies: what became of a campaign, counted from events and effects.

Counted anew whenever it is asked for, so that a reply which comes a week later counts, and
an erased task still does.
"""

from __future__ import annotations

from uuid import UUID

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("tallies")

OUTCOMES = (
    "total", "sent", "edited", "struck_out", "passed_over", "withheld", "failed", "cancelled",
    "open", "replied", "bounced", "complained", "opted_out", "followed_up",
)  # fmt: skip


def of_children(conn: Connection, task_id: UUID) -> dict[str, int]:
    """`total` and its parts (sent, struck_out, withheld, passed_over, failed, cancelled,
    open); edited among those sent; and customers who replied, bounced, complained, opted
    out, or were followed up."""
    return dict(sql.of_children(conn, task_id=task_id))
