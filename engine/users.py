"""Users: the people who may look and the people who may act.

An admin answers, starts and stops things; a viewer looks. The same user comes in by the
web, by Slack (through `slack_user_id`) and by a sign-in link, and is always the same
`Person` to the verbs. Nobody registers; `bin/engine user add` and an admin make users.
Every change is an event, which names people by id only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import passwords, sessions, sign_in_links, task_events
from engine.errors import EngineError, NotFound
from engine.people import Person, Via
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader
from engine.settings import Settings
from engine.task_events import Event

sql = queries("users")

ROLES = ("admin", "viewer")
THEMES = ("system", "light", "dark")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
# Said to everybody else who presses a button in Slack.
NOT_LISTED = (
    "Only people on this company’s list may do that, and viewers only look. An admin can change it."
)
SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,30}")


class UserInvalid(EngineError):
    """The user cannot be saved like this."""

    code = "user_invalid"


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    email: str
    name: str
    password_hash: str | None = field(repr=False)
    role: str
    theme: str
    slack_user_id: str | None
    created_at: datetime
    disabled_at: datetime | None
    away_until: datetime | None

    @property
    def called(self) -> str:
        return self.name or self.email.partition("@")[0]


of_row = reader(User)


# -- who acts ---------------------------------------------------------------------


def person(user: User, via: Via) -> Person:
    """The user as the verbs know them."""
    may_act = user.role == "admin" and user.disabled_at is None
    return Person(str(user.id), user.called, via, may_act=may_act)


def person_for_slack(
    conn: Connection, slack_user_id: str, team_id: str, settings: Settings
) -> Person | None:
    """The listed person behind a Slack id: an admin of ours, speaking from our own team.
    None for everybody else, whoever signed the request."""
    if settings.slack_team_id and team_id != settings.slack_team_id:
        return None
    row = sql.by_slack(conn, slack_user_id=slack_user_id)
    if row is None or row["role"] != "admin":
        return None
    return person(of_row(row), "slack")


def id_for_slack(conn: Connection, slack_user_id: str, team_id: str, settings: Settings) -> str:
    """Whose Slack id it is, though they be off the list by now; empty where it is nobody's."""
    if settings.slack_team_id and team_id != settings.slack_team_id:
        return ""
    found = sql.known_by_slack(conn, slack_user_id=slack_user_id)
    return str(found) if found else ""


# -- reading ----------------------------------------------------------------------


def get(conn: Connection, user_id: UUID) -> User:
    row = sql.get(conn, user_id=user_id)
    if row is None:
        raise NotFound(f"user {user_id}")
    return of_row(row)


def get_by_email(conn: Connection, email: str) -> User:
    user = find(conn, email)
    if user is None:
        known = ", ".join(user.email for user in list_all(conn)) or "none yet"
        raise NotFound(f"user {email!r} (there are: {known})")
    return user


def find(conn: Connection, email: str) -> User | None:
    row = sql.by_email(conn, email=email.strip())
    return None if row is None else of_row(row)


def list_all(conn: Connection) -> list[User]:
    return [of_row(row) for row in sql.list(conn)]


# -- changing ---------------------------------------------------------------------


def create(
    conn: Connection,
    *,
    email: str,
    name: str,
    role: str,
    password: str | None = None,
    slack_user_id: str | None = None,
    by: Person | str,
) -> User:
    """A new user. Without a password they come in by a link or through Slack alone."""
    email, name, slack_user_id = email.strip(), name.strip(), (slack_user_id or "").strip() or None
    _check(email, role, slack_user_id)
    row = sql.add(
        conn,
        email=email,
        name=name,
        role=role,
        slack_user_id=slack_user_id,
        password_hash=passwords.hashed(password, about=(email, name)) if password else None,
    )
    if row is None:
        raise UserInvalid(f"{email} or that Slack id belongs to a user already")
    _note(conn, "user_added", row["id"], f"role {role}", by)
    return of_row(row)


def set_role(conn: Connection, user_id: UUID, role: str, *, by: Person | str) -> User:
    user = get(conn, user_id)
    _check(user.email, role, None)
    if role != "admin":
        _keep_an_admin(conn, user)
    if sql.set_role(conn, user_id=user_id, role=role):
        _note(conn, "user_changed", user_id, f"role {role}", by)
    return get(conn, user_id)


def set_password(
    conn: Connection,
    user_id: UUID,
    password: str,
    *,
    by: Person | str,
    but: bytes | None = None,
) -> None:
    """Sign-ins and links from before are void with the old password; `but` names the
    sign-in that asks for it, which goes on."""
    user = get(conn, user_id)
    made = passwords.hashed(password, about=(user.email, user.name))
    sql.set_password(conn, user_id=user_id, password_hash=made)
    sign_in_links.void(conn, user_id)
    sessions.end_all(conn, user_id, but=but)
    _note(conn, "user_changed", user_id, "password", by)


def renew_hash(conn: Connection, user: User, password: str) -> None:
    """They have just come in by a password whose hash is weaker than today's: it is
    known for this one moment, so it is hashed anew. No change, and no event."""
    if user.password_hash and passwords.out_of_date(user.password_hash):
        sql.set_password(conn, user_id=user.id, password_hash=passwords.hashed_again(password))


def set_slack_user_id(
    conn: Connection, user_id: UUID, slack_user_id: str | None, *, by: Person | str
) -> User:
    """Who may answer in Slack. None: nobody by this user's name."""
    user, wanted = get(conn, user_id), (slack_user_id or "").strip() or None
    _check(user.email, user.role, wanted)
    if user.slack_user_id != wanted:
        if not sql.set_slack_user_id(conn, user_id=user_id, slack_user_id=wanted):
            raise UserInvalid(f"the Slack id {wanted} belongs to another user")
        _note(conn, "user_changed", user_id, f"slack {wanted or 'removed'}", by)
    return get(conn, user_id)


def set_theme(conn: Connection, user_id: UUID, theme: str) -> None:
    """A matter of taste and no event."""
    if theme not in THEMES:
        raise UserInvalid(f"{theme!r} is not one of: {', '.join(THEMES)}")
    sql.set_theme(conn, user_id=user_id, theme=theme)


def disable(conn: Connection, user_id: UUID, *, by: Person | str) -> None:
    """From now on no sign-in and no Slack click of theirs counts. Nothing is deleted:
    the log names them."""
    _keep_an_admin(conn, get(conn, user_id))
    if sql.disable(conn, user_id=user_id):
        sign_in_links.void(conn, user_id)
        sessions.end_all(conn, user_id)
        _note(conn, "user_changed", user_id, "disabled", by)


def enable(conn: Connection, user_id: UUID, *, by: Person | str) -> None:
    if sql.enable(conn, user_id=user_id):
        _note(conn, "user_changed", user_id, "enabled", by)


def make_sign_in_link(
    conn: Connection, settings: Settings, user_id: UUID, *, minutes: float = 15
) -> str:
    """The address of a link that signs this user in, once, within `minutes`."""
    return sign_in_links.make(conn, settings, get(conn, user_id).id, minutes=minutes)


def _check(email: str, role: str, slack_user_id: str | None) -> None:
    if not ADDRESS.fullmatch(email):
        raise UserInvalid(f"{email!r} is not an e-mail address")
    if role not in ROLES:
        raise UserInvalid(f"{role!r} is not one of: {', '.join(ROLES)}")
    if slack_user_id and not SLACK_ID.fullmatch(slack_user_id):
        raise UserInvalid(f"{slack_user_id!r} is not a Slack member id, such as U0123ABCD")


def _keep_an_admin(conn: Connection, user: User) -> None:
    """Nobody could let anybody in again but from the shell."""
    if [row["id"] for row in sql.lock_admins(conn)] == [user.id]:
        raise UserInvalid(f"{user.called} is the only admin; make another one first")


def _note(conn: Connection, event: Any, user_id: UUID, what: str, by: Person | str) -> None:
    summary = f"user {user_id} {what}"
    task_events.append_configuration(conn, Event(event, actor=str(by), output_summary=summary))
