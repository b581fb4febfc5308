"""What a failed call to Slack means, in the engine's own words.

`web_api.py` asks here at its border, so that nothing behind it knows the SDK's errors.
The one question that matters: may the call be made again? A post may not when it could
have happened already; a read, or a write that only sets a state, always may.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError

from engine.errors import (
    Ambiguous,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
    VendorError,
)
from engine.retry_after import retry_after

UNAUTHORISED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
# Slack's reference says of these that some of the operation may have succeeded.
HALF_DONE = frozenset({"fatal_error", "internal_error", "service_unavailable"})
# The body did not arrive whole, so nothing was done.
NOT_TAKEN = frozenset({"request_timeout"})
ERROR_CODE = re.compile(r"[a-z][a-z0-9_.]{0,79}", re.ASCII)


def from_reply(  # noqa: PLR0911 - one for each kind of failure
    status: int, headers: Mapping[str, Any], data: object, *, repeatable: bool
) -> VendorError:
    """The error for a reply that is not `ok: true`."""
    code = _error_code(data)
    if status == 429 or code in RATE_LIMITED:
        return RateLimited("slack", code or "http_429", retry_after=_retry_after(headers))
    if code in UNAUTHORISED:
        return Unauthorised("slack", code, error=code)
    if code in NOT_TAKEN:
        return Unreachable("slack", code)
    if status >= 500 or code in HALF_DONE:
        return _unsettled(code or f"http_{status}", repeatable)
    if status in (401, 403):
        return Unauthorised("slack", code or f"http_{status}")
    if code:
        return Refused("slack", code, error=code)
    if 400 <= status < 500:
        return Refused("slack", f"http_{status}")
    return _unsettled("reply_unreadable", repeatable)


def from_exception(error: Exception, *, repeatable: bool) -> VendorError:
    """The error for a call that got no reply at all."""
    if isinstance(error, URLError) and _never_left(error.reason):
        return Unreachable("slack", _name(error.reason))
    return _unsettled(_name(error), repeatable)


def _never_left(reason: object) -> bool:
    """Was the request never handed over whole? urllib wraps in URLError only what fails
    while it connects or sends; a connection reset there is left in doubt all the same."""
    if isinstance(reason, ConnectionResetError | BrokenPipeError):
        return False
    if isinstance(reason, socket.gaierror | ConnectionRefusedError | TimeoutError | ssl.SSLError):
        return True
    return isinstance(reason, OSError)


def _unsettled(detail: str, repeatable: bool) -> VendorError:
    return Unreachable("slack", detail) if repeatable else Ambiguous("slack", detail)


def _error_code(data: object) -> str:
    """Slack's own code, or empty: the SDK puts the start of an unreadable body in its
    place, and that may quote anything."""
    code = data.get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) and ERROR_CODE.fullmatch(code) else ""


def _retry_after(headers: Mapping[str, Any]) -> float:
    return retry_after({name.lower(): str(value) for name, value in headers.items()}, 5.0)


def _name(reason: object) -> str:
    return "timeout" if isinstance(reason, TimeoutError) else type(reason).__name__
