"""Links that sign a user in once: the first way in, and the way back for who forgot.

Only the token's hash is stored. Looking at a link uses nothing up, for mail scanners
and chat previews open every link they see; the button behind it does.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.settings import Settings

sql = queries("sign_in_links")


def make(conn: Connection, settings: Settings, user_id: UUID, *, minutes: float) -> str:
    """The address of a new link for this user."""
    token = secrets.token_urlsafe(32)
    lifetime = timedelta(minutes=minutes)
    sql.add(conn, token_hash=_hash_of(token), user_id=user_id, lifetime=lifetime)
    return f"{settings.web_base_url.rstrip('/')}/sign-in/link/{token}"


def user_of(conn: Connection, token: str) -> UUID | None:
    """Whose link it is; None where it is unknown, used, or too old."""
    return sql.user_of(conn, token_hash=_hash_of(token))


def use(conn: Connection, token: str) -> UUID | None:
    """Use it up: of two who press at the same time, one gets in."""
    return sql.use(conn, token_hash=_hash_of(token))


def void(conn: Connection, user_id: UUID) -> int:
    """Void a user's links that nobody has used."""
    return sql.void(conn, user_id=user_id)


def prune(conn: Connection) -> int:
    return sql.prune(conn)


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
