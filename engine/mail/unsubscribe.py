"""The address of one-click unsubscribing (RFC 8058): a link that carries its own proof.

It names the contact by keyed hash, so that it works long after the task is erased and
tells nobody who it was for.
"""

from __future__ import annotations

import base64
import hmac

from engine.keyed_hash import contact_hash, keyed_hash
from engine.settings import Settings

NOT_KNOWN_YET = "…"


def unsubscribe_url(settings: Settings, address: str) -> str:
    """The recipient's own link. Without an address it shows only where there will be one, and
    is nothing that a mail could be sent with."""
    token = _token(settings, address) if address else NOT_KNOWN_YET
    return f"{settings.web_base_url.rstrip('/')}/unsubscribe/{token}"


def _token(settings: Settings, address: str) -> str:
    contact = contact_hash(settings, address)
    proof = keyed_hash(settings, "unsubscribe", contact)[:16]
    return base64.urlsafe_b64encode(contact + proof).decode().rstrip("=")


def contact_of(settings: Settings, token: str) -> bytes | None:
    """The contact hash that a token names, or None where it is not one of ours."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    contact, proof = raw[:32], raw[32:]
    genuine = keyed_hash(settings, "unsubscribe", contact)[:16]
    return contact if hmac.compare_digest(proof, genuine) else None
