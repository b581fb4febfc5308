"""The one client by which the stand-ins call the engine; it takes no proxy from the
environment, for the engine stands on this machine or beside it."""

from __future__ import annotations

from functools import cache

import httpx


@cache
def engine() -> httpx.Client:
    """Made once, for making one reads every certificate; threads may share it. It keeps no
    connection: the engine at the other end is killed and restarted all day."""
    return httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
