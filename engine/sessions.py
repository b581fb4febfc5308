"""Sign-ins, kept on the server: a row for each, so that any of them can be ended.

The browser holds a random token of 256 bits, the table only its hash, so a copy of the
database lets nobody in. A sign-in ends after a week without use and after a month in
any case: long enough for an owner's phone, short enough for one that was lost.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("sessions")

IDLE = timedelta(days=7)
LONGEST = timedelta(days=30)
DEVICE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `token_hash` names it, and opens nothing."""

    token_hash: bytes
    device: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def begin(conn: Connection, user_id: UUID, *, device: str) -> str:
    """A new sign-in's token. It is never an old one: whoever planted a token in the
    browser before the sign-in has nothing."""
    token = secrets.token_urlsafe(32)
    sql.begin(
        conn,
        token_hash=hash_of(token),
        user_id=user_id,
        device=device[:DEVICE_LENGTH],
        longest=LONGEST,
    )
    return token


def user_of(conn: Connection, token: str) -> UUID | None:
    """Who holds this token, unless the sign-in is over or the user disabled."""
    row = sql.user_of(conn, token_hash=hash_of(token), idle=IDLE)
    if row is None:
        return None
    if row["stale"]:
        sql.seen(conn, token_hash=hash_of(token))
    return row["user_id"]


def of_user(conn: Connection, user_id: UUID) -> list[Session]:
    """A user's sign-ins that are not over, the one used last at the top."""
    return [Session(**row) for row in sql.of_user(conn, user_id=user_id, idle=IDLE)]


def end(conn: Connection, token_hash: bytes, user_id: UUID) -> bool:
    """False where it was over before, or is another user's."""
    return bool(sql.revoke(conn, token_hash=token_hash, user_id=user_id))


def end_all(conn: Connection, user_id: UUID, *, but: bytes | None = None) -> int:
    """End a user's sign-ins; `but` is the one that asks for it. Returns how many."""
    return sql.revoke_all(conn, user_id=user_id, but=but)


def prune(conn: Connection) -> int:
    """Forget sign-ins that have been over for a month."""
    return sql.prune(conn)


def hash_of(token: str) -> bytes:
    """Plain SHA-256: a token of 256 random bits cannot be guessed from it."""
    return hashlib.sha256(token.encode()).digest()
