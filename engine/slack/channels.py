"""Channel names and their ids.

A channel may be given as `#leads-incoming` or by its id. Slack posts to either, but
reads only by id, so names are looked up once and remembered; what a post returns is
remembered too, since it is what Slack itself made of the name.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from engine.errors import Refused

CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,}", re.ASCII)
PAGE = 200
Call = Callable[..., dict[str, Any]]


class Channels:
    """Thread-safe; `call(method, params, timeout=…)` is the adapter's own."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._ids: dict[str, str] = {}
        self._lock = threading.Lock()

    def learn(self, name: str, channel_id: str) -> None:
        with self._lock:
            self._ids[_bare(name)] = channel_id

    def id_of(self, channel: str, *, timeout: float) -> str:
        if CHANNEL_ID.fullmatch(channel):
            return channel
        with self._lock:
            known = self._ids.get(_bare(channel))
        return known or self._look_up(_bare(channel), timeout)

    def prepare(self, channel: str, *, timeout: float) -> str:
        """Make the channel where it is missing and join it; used when setting up."""
        try:
            channel_id = self.id_of(channel, timeout=timeout)
        except Refused as refused:
            if refused.facts.get("error") != "channel_not_found":
                raise
            made = self._call("conversations.create", {"name": _bare(channel)}, timeout=timeout)
            channel_id = str(made["channel"]["id"])
            self.learn(channel, channel_id)
        self._call("conversations.join", {"channel": channel_id}, timeout=timeout)
        return channel_id

    def _look_up(self, name: str, timeout: float) -> str:
        cursor = ""
        while True:
            params = {
                "types": "public_channel,private_channel",
                "exclude_archived": True,
                "limit": PAGE,
                "cursor": cursor,
            }
            page = self._call("conversations.list", params, timeout=timeout)
            for channel in page.get("channels", []):
                self.learn(str(channel["name"]), str(channel["id"]))
            cursor = next_cursor(page)
            if name in self._ids:
                return self._ids[name]
            if not cursor:
                raise Refused("slack", "channel_not_found", error="channel_not_found")


def next_cursor(page: dict[str, Any]) -> str:
    return str((page.get("response_metadata") or {}).get("next_cursor") or "")


def _bare(name: str) -> str:
    return name.removeprefix("#").lower()
