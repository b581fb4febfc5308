"""Calling an address of the owner's choice as an effect, by an allow-list of hosts.

The effect key goes out as `Idempotency-Key`. Nothing can be looked up at an unknown
server, so a call whose answer was lost goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from engine.effects import Effect
from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable
from engine.retry_after import retry_after

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

TIMEOUT_SECONDS = 15.0


def http_effect(ctx: StepContext, method: str, url: str, body: Mapping[str, str]) -> Effect:
    """The effect of one request with a JSON body; its result is {status}."""
    host = urlsplit(url).hostname or ""
    if host not in ctx.settings.http_hosts:
        raise Refused("http", f"host_not_allowed {host}")

    def call(key: str, timeout: float) -> dict[str, int]:
        return {"status": _request(method, url, body, key, timeout)}

    return Effect("http", "request", call, TIMEOUT_SECONDS, rate_key=host)


def _request(method: str, url: str, body: Mapping[str, str], key: str, timeout: float) -> int:
    try:
        response = httpx.request(
            method, url, json=dict(body), headers={"Idempotency-Key": key}, timeout=timeout,
            follow_redirects=False,
        )  # fmt: skip
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
        raise Unreachable("http", type(error).__name__) from error
    except httpx.HTTPError as error:
        raise Ambiguous("http", type(error).__name__) from error
    status = response.status_code
    if status == 429:
        raise RateLimited("http", "429", retry_after=retry_after(response.headers, 30))
    if status in (401, 403):
        raise Unauthorised("http", str(status))
    if status >= 500:
        raise Ambiguous("http", str(status))
    if status >= 300:
        raise Refused("http", str(status))
    return status
