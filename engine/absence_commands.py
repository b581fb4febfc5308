"""`/sop away` and `/sop back`: who is away, until when, and what that means meanwhile.

Two of the verbs of `commands.py`, which answers them.
"""

from __future__ import annotations

from uuid import UUID

from engine import absences, batches, tasks, users, watchers
from engine.attendance import attendance
from engine.dates import read_day
from engine.errors import NotFound
from engine.moments import moment
from engine.people import Person
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.slack.text import counted
from engine.users import User
from engine.watchers import Waiting

AWAY_HELP = (
    "Say `/sop away until friday`, or `away sam@example.com until 2026-12-01` for somebody else."
)


def away(runtime: Runtime, rest: str, by: Person, _occasion: str) -> str:
    by.must_act()
    if not rest:
        with runtime.database.read() as conn:
            away = absence_lines(runtime, conn)
            paused = _paused(runtime, conn)
        return "\n".join([*away, *paused]) or f"Nobody is away. {AWAY_HELP}"
    whose, day = _whose(rest)
    with runtime.database.transaction("leave") as conn:
        user = _user(conn, whose, by)
        today = tasks.now(conn).astimezone(runtime.business.zone).date()
        until = absences.leave(conn, runtime.business, user, read_day(day, today), by)
        others = [one.called for one in attendance(conn).present]
        paused = _paused(runtime, conn)
    goes = f"Questions go to {' and '.join(others)}." if others else "No deadline runs until then."
    who = "You are" if str(user.id) == by.id else f"{user.called} is"
    when = moment(until, runtime.business.zone)
    said = f"{who} away until {when}. Campaigns wait. {goes} `/sop back` ends it."
    return "\n".join([said, *paused])


def back(runtime: Runtime, rest: str, by: Person, _occasion: str) -> str:
    by.must_act()
    with runtime.database.transaction("come_back") as conn:
        user = _user(conn, rest, by)
        waited, gathered = watchers.waiting(runtime, conn), batches.held_back(conn)
        attended = attendance(conn).unattended_until is None
        released = absences.come_back(conn, runtime.business, user, by)
        if released is None:
            return f"{user.called} was not away."
        still = {one.name for one in watchers.waiting(runtime, conn)}
        paused = _paused(runtime, conn)
    resumed = [one for one in waited if one.name not in still]
    said = [f"{user.called} is here again; deadlines run, and what had waited goes on."]
    said += _resumed(runtime, resumed)
    if gathered and not attended:
        said.append(f"{counted(gathered, 'draft')} that had waited: their card is posted now.")
    if released:
        said.append(f"{counted(released, 'approved mail')} held back meanwhile: sent now.")
    return "\n".join([*said, *paused])


def _paused(runtime: Runtime, conn: Connection) -> list[str]:
    """What an absence holds back, by name."""
    here = attendance(conn)
    if not here.away:
        return []
    lines = ["Paused: no offer goes out, though it be approved."]
    if not here.present:
        lines = [f"{lines[0]} No campaign's card is posted; its drafts gather for your return."]
    names = sorted({one.name for one in watchers.waiting(runtime, conn)})
    if names:
        lines.append(f"Not started by schedule, but once on return: {', '.join(names)}.")
    return lines


def _resumed(runtime: Runtime, waited: list[Waiting]) -> list[str]:
    """What schedules hold nothing back any more, and which of them have missed a run."""
    zone = runtime.business.zone
    missed = [f"{one.name} (missed {moment(one.missed, zone)})"
              for one in waited if one.missed is not None]  # fmt: skip
    others = sorted({one.name for one in waited if one.missed is None})
    lines = [f"Runs now: {', '.join(missed)}."] if missed else []
    return lines + ([f"By schedule again: {', '.join(others)}."] if others else [])


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
        f"{user.called} is away until {moment(user.away_until, zone)}"
        for user in attendance(conn).away
        if user.away_until is not None
    ]
