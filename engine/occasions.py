"""Occasions: what `once` of a for_each names, and whether it has had its turn.

A customer's season or an invoice's stage is used up where its task sent something, or may
have, and where a person said no. A task that expired, failed or was cancelled before that
has used up nothing: the next run may start another one, under the key that follows from the
first one's. Then the first one is not run again, for two would be sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("occasions")

STRUCK_OUT = "struck_out"


def unused(conn: Connection, keys: Sequence[bytes]) -> list[bytes | None]:
    """The key under which each may be started now; None where it is used up."""
    current: list[bytes | None] = list(keys)
    unknown = dict(enumerate(keys))
    while unknown:
        found = sql.of_keys(conn, keys=list(set(unknown.values())))
        used = {bytes(row["dedupe_key"]): row["used"] for row in found}
        following: dict[int, bytes] = {}
        for n, key in unknown.items():
            current[n] = None if used.get(key) else key
            if used.get(key) is False:
                following[n] = _after(key)
        unknown = following
    return current


def taken_up_by(conn: Connection, key: bytes | None) -> int | None:
    """The number of the task that had this occasion after the one with this key."""
    later = sql.task_of(conn, key=_after(key)) if key else None
    return later["number"] if later else None


def _after(key: bytes) -> bytes:
    return hashlib.sha256(key + b"again").digest()
