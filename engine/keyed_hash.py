"""Keyed hashes: what may outlive a task's customer data.

Message-IDs, addresses and reply tokens are personal. Where the engine must recognise
one later (the same mail again, an opt-out, a reply to an erased task) it keeps
HMAC-SHA256 under SECRET_KEY, which without the key says nothing. Of several keys the last
one hashes, since what it has hashed must be recognised for ever; the first one signs.
"""

from __future__ import annotations

import hashlib
import hmac

from engine.settings import Settings


def keyed_hash(settings: Settings, kind: str, value: str | bytes) -> bytes:
    """32 bytes. `kind` keeps the hashes of one use from matching those of another."""
    data = value.encode() if isinstance(value, str) else value
    return hmac.digest(
        settings.secret_keys[-1].encode(), kind.encode() + b"\0" + data, hashlib.sha256
    )


def signing_key(settings: Settings, kind: str) -> bytes:
    """32 bytes to sign with what need not outlive a change of the key."""
    return hmac.digest(settings.secret_keys[0].encode(), kind.encode(), hashlib.sha256)


def contact_hash(settings: Settings, address: str) -> bytes:
    return keyed_hash(settings, "contact", address.strip().casefold())
