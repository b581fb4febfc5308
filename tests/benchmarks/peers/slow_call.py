"""A call of the slow vendor from a peer's thread: by the client that the engine uses, and as
the engine does it, with a client for each thread."""

from __future__ import annotations

import threading

import httpx

_mine = threading.local()
_tls = httpx.create_ssl_context()


def ask(url: str) -> int:
    if not hasattr(_mine, "client"):
        _mine.client = httpx.Client(verify=_tls)
    return _mine.client.get(url, timeout=30).raise_for_status().status_code
