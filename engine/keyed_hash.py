"""Keyed hashes: what may outlive a task's customer data.

Message-IDs, addresses and reply tokens are personal. Where the engine must recognise
one later (the same mail again, an opt-out, a reply to an erased task) it keeps
HMAC-SHA256 under SECRET_KEY, which without the key says nothing.
"""

from __future__ import annotations

import hashlib
import hmac

from engine.settings import Settings


def keyed_hash(settings: Settings, kind: str, value: str | bytes) -> bytes:
    """32 bytes. `kind` keeps the hashes of one use from matching those of another."""
    data = value.encode() if isinstance(value, str) else value
    key = settings.secret_key.get_secret_value().encode()
    return hmac.digest(key, kind.encode() + b"\0" + data, hashlib.sha256)


def contact_hash(settings: Settings, address: str) -> bytes:
    return keyed_hash(settings, "contact", address.strip().casefold())
