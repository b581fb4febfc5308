"""Is this request really from Slack? Asked before anything else reads it.

Slack signs `v0:<timestamp>:<raw body>` with the app's signing secret. The check is
written here and not taken from the SDK, whose verifier raises ValueError, TypeError or
UnicodeDecodeError for requests that anybody can send, and so answers 500 in place of 401.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from engine.errors import EngineError

TOLERANCE_SECONDS = 300
TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


class SignatureInvalid(EngineError):
    """The request does not carry a valid signature."""

    code = "signature_invalid"


def sign(signing_secret: str, timestamp: str, body: bytes) -> str:
    """The signature as Slack makes it."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(signing_secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Returns for a request that Slack signed less than five minutes ago; raises
    SignatureInvalid for every other, and never anything else."""
    timestamp = _header(headers, "x-slack-request-timestamp")
    signature = _header(headers, "x-slack-signature")
    if not signing_secret:
        # Anybody can sign with an empty secret.
        raise SignatureInvalid("no signing secret is set")
    if not TIMESTAMP.fullmatch(timestamp) or not SIGNATURE.fullmatch(signature):
        raise SignatureInvalid("missing or malformed")
    if not abs(now - int(timestamp)) <= TOLERANCE_SECONDS:
        raise SignatureInvalid("too old, or from the future")
    if not hmac.compare_digest(sign(signing_secret, timestamp, body), signature):
        raise SignatureInvalid("forged")


def _header(headers: Mapping[str, str], name: str) -> str:
    """Header names come in any case, from a plain dict as well."""
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")
