"""One call to a CRM over HTTP, and what its answer means. Every adapter makes its calls
here, so that the same trouble has the same name whoever the vendor is.

A call is never repeated here. A read without an answer is Unreachable; a write without one,
or with one that cannot be read, is Ambiguous: what has become of it the effect's lookup
tells. Names of fields and codes pass through, texts do not, for they quote customers.
"""

from __future__ import annotations

import re
import threading
import time
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable, VendorError
from engine.retry_after import retry_after

VENDOR = "crm"
CONNECT_SECONDS = 5.0
WAIT_WHEN_LIMITED = 10.0

Form = TypeVar("Form", bound=BaseModel)


class Calls:
    """Thread-safe: each thread that calls has a client, and with it a connection, of its own."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._tls = httpx.create_ssl_context()
        self._mine = _Mine()
        # With its first client httpx loads most of itself: not in the middle of a task.
        self._client()

    def make(
        self, method: str, path: str, timeout: float, *, reads: bool, **request: Any
    ) -> httpx.Response:
        """The answer, whatever it says."""
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        try:
            return self._client().request(method, path, timeout=limits, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unreachable(VENDOR, "no_connection") from None
        except httpx.TransportError as error:
            detail = "timeout" if isinstance(error, httpx.TimeoutException) else "dropped"
            raise (Unreachable if reads else Ambiguous)(VENDOR, detail) from None

    def _client(self) -> httpx.Client:
        # One for all threads looks at every connection for each call, under a lock: with two
        # hundred of them that took longer than the calls.
        if self._mine.client is None:
            self._mine.client = httpx.Client(
                base_url=self._base_url, headers=self._headers, verify=self._tls
            )
        return self._mine.client


class _Mine(threading.local):
    """A thread's own client; it goes when the thread does."""

    client: httpx.Client | None = None


class Patience:
    """What is left of a call's time, where it takes more than one request."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Asked before each request; where nothing is left, none goes out."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise Unreachable(VENDOR, "timeout")
        return left


def body(response: httpx.Response, form: type[Form], *, reads: bool) -> Form:
    """What a successful answer holds. One that is no JSON comes from something in between
    (a sign-in page, a proxy) and may be read again; one of another form says where."""
    try:
        if "json" not in response.headers.get("Content-Type", "json"):
            raise ValueError("not_json")
        return form.model_validate(response.json(parse_float=Decimal))
    except ValidationError as error:
        where = ".".join(str(place) for place in error.errors()[0]["loc"])
        detail = f"bad_reply: {where}" if where else "bad_reply"
        raise (Refused if reads else Ambiguous)(VENDOR, detail) from None
    except ValueError:
        raise (Unreachable if reads else Ambiguous)(VENDOR, "not_json") from None


def failure(response: httpx.Response, detail: str, wait: float = WAIT_WHEN_LIMITED) -> VendorError:
    """What an answer that is no success means. `wait` is for a 429 that does not say."""
    status = response.status_code
    detail = detail or f"http_{status}"
    if status == 429:
        return RateLimited(VENDOR, detail, retry_after=retry_after(response.headers, wait))
    if status in (401, 403):
        return Unauthorised(VENDOR, detail)
    # A write under a key may be sent again, so that its 5xx is an outage like another; whose
    # write has none says Ambiguous instead.
    return (Unreachable if status >= 500 else Refused)(VENDOR, detail)


def error_body(response: httpx.Response) -> Any:
    """The JSON of an answer that is no success, or None."""
    try:
        return response.json()
    except ValueError:
        return None


def word(text: Any) -> str:
    """A code or a field's name as it may stand in the log; anything else may be a customer."""
    said = text if isinstance(text, str) else ""
    return said if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,59}", said) else ""


def part(text: str) -> str:
    """One segment of a path, whatever stands in it: an id is opaque. An empty one, or dots,
    would name another thing."""
    if not text.strip("."):
        raise Refused(VENDOR, "bad_id")
    return quote(text, safe="")


def digits(phone: str) -> str:
    """The last ten, which are what two spellings of one number have in common."""
    return re.sub(r"\D", "", phone)[-10:]
