"""`/sop away` and `/sop back`: who is away, until when, and what that means meanwhile.

Two of the verbs of `commands.py`, which answers them.
"""

from __future__ import annotations

from uuid import UUID

from engine import absences, tasks, users
from engine.attendance import attendance
from engine.dates import read_day
from engine.errors import NotFound
from engine.people import Person
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.users import User

AWAY_HELP = (
    "Say `/sop away until friday`, or `away sam@example.com until 2026-12-01` for somebody else."
)


def away(runtime: Runtime, rest: str, by: Person, _occasion: str) -> str:
    by.must_act()
    if not rest:
        with runtime.database.read() as conn:
            away = absence_lines(runtime, conn)
        return "\n".join(away) or f"Nobody is away. {AWAY_HELP}"
    whose, day = _whose(rest)
    with runtime.database.transaction("leave") as conn:
        user = _user(conn, whose, by)
        today = tasks.now(conn).astimezone(runtime.business.zone).date()
        until = absences.leave(conn, runtime.business, user, read_day(day, today), by)
        others = [one.called for one in attendance(conn).present]
    goes = f"Questions go to {' and '.join(others)}." if others else "No deadline runs until then."
    who = "You are" if str(user.id) == by.id else f"{user.called} is"
    when = f"{until.astimezone(runtime.business.zone):%a %d %b, %H:%M}"
    return f"{who} away until {when}. Campaigns wait. {goes} `/sop back` ends it."


def back(runtime: Runtime, rest: str, by: Person, _occasion: str) -> str:
    by.must_act()
    with runtime.database.transaction("come_back") as conn:
        user = _user(conn, rest, by)
        was = absences.come_back(conn, runtime.business, user, by)
    if not was:
        return f"{user.called} was not away."
    return f"{user.called} is here again; deadlines run, and what had waited goes on."


def _whose(rest: str) -> tuple[str, str]:
    """[e-mail address] [until] day"""
    words = rest.split()
    whose = words.pop(0) if "@" in words[0] else ""
    if words and words[0].casefold() == "until":
        words.pop(0)
    return whose, " ".join(words)


def _user(conn: Connection, email: str, by: Person) -> User:
    """The one who is named, or who says it."""
    if email:
        return users.get_by_email(conn, email)
    if by.via == "cli":
        raise NotFound(f"who is meant; {AWAY_HELP}")
    return users.get(conn, UUID(by.id))


def absence_lines(runtime: Runtime, conn: Connection) -> list[str]:
    zone = runtime.business.zone
    return [
        f"{user.called} is away until {user.away_until.astimezone(zone):%a %d %b, %H:%M}"
        for user in attendance(conn).away
        if user.away_until is not None
    ]
