"""Owners who are away. Campaigns wait while anybody is; questions go to whoever is here; and
where nobody is, their deadlines stand still until the first one comes back.

Behind `/sop away`, `/sop back` and the commands of the same names. Marketing mail is held by
`engine/gate.py`, schedules by `engine/campaigns.py`, a batch's card by `engine/batches.py`;
the deadlines are moved here, once, when somebody leaves or comes back.
"""

from __future__ import annotations

from datetime import date, datetime, time

from engine import deadlines, halt, task_events, tasks, users, watchers
from engine.attendance import attendance
from engine.business import Business, next_business_moment
from engine.people import Person
from engine.postgres import Connection
from engine.task_events import Event
from engine.users import User


def leave(conn: Connection, business: Business, user: User, back_on: date, by: Person) -> datetime:
    """Away until the office opens on that day, or next after it; returns that moment."""
    midnight = datetime.combine(back_on, time.min, business.zone)
    until = next_business_moment(business, midnight)
    _set(conn, business, user, until)
    summary = f"user {user.id} until {back_on}"
    task_events.append_configuration(
        conn, Event("user_away", actor=str(by), output_summary=summary)
    )
    return until


def come_back(conn: Connection, business: Business, user: User, by: Person) -> int | None:
    """Here again; None where they were not away. Returns how many approved mails go on."""
    if user not in attendance(conn).away:
        return None
    _set(conn, business, user, None)
    event = Event("user_back", actor=str(by), output_summary=f"user {user.id}")
    task_events.append_configuration(conn, event)
    watchers.check_schedules_now(conn)
    return 0 if attendance(conn).away else halt.release(conn, "away")


def _set(conn: Connection, business: Business, user: User, until: datetime | None) -> None:
    users.sql.lock_admins(conn)
    before = attendance(conn).unattended_until
    users.sql.set_away(conn, user_id=user.id, until=until)
    after = attendance(conn).unattended_until
    now = tasks.now(conn)
    if before != after:
        deadlines.move(conn, business, begin=before or now, to=after or now)
    deadlines.redraw(conn)
