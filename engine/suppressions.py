"""Suppressions: contacts that are not to be written to any more, as keyed hashes.

The gate in `effects.py` asks before every mail, so what is added here holds from the
next intent on, and outlives the erasure of every task.
"""

from __future__ import annotations

from typing import Literal

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("suppressions")

Reason = Literal["unsubscribed", "bounced", "complained", "opted_out"]


def add(conn: Connection, contact_hash: bytes, reason: Reason) -> bool:
    """False where the contact was suppressed before."""
    return bool(sql.add(conn, contact_hash=contact_hash, reason=reason))
