"""The outlook: who gets what until the end of tomorrow, and striking any of it out.

Computed from timers and schedules, and nothing is changed by looking. Told each evening at
`OUTLOOK_AT` where there is anything to tell; a card lists tasks by their ids and is drawn
from what they are at that moment, so that a name on it goes with its erasure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from engine import occasions, queue, tasks
from engine.business import Business
from engine.cards import Card
from engine.people import Person
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.runtime import Runtime
from engine.schedules import last_moment
from engine.tasks import Task

sql = queries("outlooks")
STRUCK = "struck out of the outlook"


@dataclass(frozen=True, slots=True)
class Outlook:
    """`until` is the end of the day that it looks ahead to; `scheduled` are the moments at
    which a procedure starts by itself."""

    until: datetime
    lines: Sequence[Mapping[str, Any]]
    scheduled: Sequence[tuple[datetime, str]]


def ahead(conn: Connection, business: Business) -> Outlook:
    """What is to come, as of now."""
    now = tasks.now(conn)
    until = _end_of_tomorrow(now, business)
    found = [row["id"] for row in sql.due(conn, until=until)]
    return Outlook(until, sql.lines(conn, task_ids=found), _scheduled(conn, business, now, until))


def today(conn: Connection, business: Business) -> Outlook:
    """What is to come, and what has become of what this evening's card lists or somebody has
    struck out since yesterday: the web's page."""
    seen = ahead(conn, business)
    told, since = sql.current(conn), seen.until - timedelta(days=3)
    ids = {line["id"] for line in seen.lines} | set(told["task_ids"] if told else ())
    ids |= {row["id"] for row in sql.struck(conn, since=since, reason=STRUCK)}
    return replace(seen, lines=sql.lines(conn, task_ids=list(ids)))


def tell_due(runtime: Runtime) -> bool:
    """Have the evening's card posted, if its hour has come, nobody has done so, and there is
    anything to tell."""
    business, settings = runtime.business, runtime.settings
    with runtime.database.transaction("outlook") as conn:
        local = tasks.now(conn).astimezone(business.zone)
        if local.time() < settings.outlook_at or sql.told(conn, day=local.date()):
            return False
        seen = ahead(conn, business)
        if not seen.lines and not seen.scheduled:
            return False
        told = sql.add(
            conn, day=local.date(), channel=settings.channel_ops_log, until=seen.until,
            task_ids=[line["id"] for line in seen.lines],
        )  # fmt: skip
        queue.wake(conn, "show_cards")
    return told is not None


def read(conn: Connection, business: Business, card: Card) -> Outlook:
    """What this card tells, as its tasks stand now."""
    row = sql.of_card(conn, card_id=card.id)
    lines = sql.lines(conn, task_ids=row["task_ids"])
    began = _end_of_tomorrow(row["until"], business) - timedelta(days=3)
    return Outlook(row["until"], lines, _scheduled(conn, business, began, row["until"]))


def strike(conn: Connection, task_id: UUID, by: Person) -> Task:
    """Nothing of it goes out: the task is cancelled. TaskClosed where it has ended."""
    by.must_act()
    task = tasks.cancel(conn, task_id, by=str(by), reason=STRUCK, code=occasions.STRUCK_OUT)
    redraw(conn, task_id)
    return task


def redraw(conn: Connection, task_id: UUID) -> None:
    """A task that an outlook lists was struck out, or is erased."""
    if sql.redraw_of_task(conn, task_id=task_id):
        queue.wake(conn, "show_cards")


def _end_of_tomorrow(now: datetime, business: Business) -> datetime:
    day = now.astimezone(business.zone).date() + timedelta(days=2)
    return datetime.combine(day, time(), business.zone)


def _scheduled(
    conn: Connection, business: Business, since: datetime, until: datetime
) -> list[tuple[datetime, str]]:
    """When schedules start something, the last time of each."""
    end = until - timedelta(seconds=1)
    found = [
        (moment, str(row["sop_name"]))
        for row in sql.schedules(conn)
        if (moment := last_moment(row["check_config"], business, since, end)) is not None
    ]
    return sorted(found)
