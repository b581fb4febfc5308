"""Slack itself, by the Web API: the port's one vendor.

Called by the gate in `engine/effects.py` for posts, and by the web for modals. Three
things the SDK does by default are off or undone here. Its retry handler posts twice when
a connection drops. Its logger prints request and reply bodies, which hold customer data.
It sends every call through HTTPS_PROXY, a stand-in on this machine included, and asks
NO_PROXY nothing.
"""

from __future__ import annotations

import logging
import ssl
import time
import uuid
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from engine.errors import Refused, Unreachable
from engine.settings import Settings
from engine.slack import Message, Posted, failures
from engine.slack.channels import Channels, next_cursor

if TYPE_CHECKING:
    from slack_sdk import WebClient

SLACK = "https://slack.com/api/"
EVENT_TYPE = "effect"
CLIENT_MSG_IDS = uuid.UUID("5b0d1c9e-6a55-5c0e-9a41-7d1d6f6f2c11")
PAGE = 200

quiet = logging.getLogger("engine.slack.sdk")
quiet.setLevel(logging.CRITICAL + 1)


def from_settings(settings: Settings) -> SlackWebApi:
    return SlackWebApi(settings.slack_bot_token.get_secret_value(), settings.slack_base_url)


class SlackWebApi:
    """Thread-safe: each call has a client of its own, which holds no connection."""

    def __init__(self, token: str, base_url: str = "") -> None:
        self._token = token
        self._base_url = (base_url or SLACK).rstrip("/") + "/"
        self.channels = Channels(self._read)

    def prepare(self, timeout: float) -> None:
        self._client(timeout)

    def post(self, message: Message, *, effect_key: str, timeout: float) -> Posted:
        payload = _content(message) | {
            "channel": message.channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "client_msg_id": client_msg_id(effect_key),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"effect_key": effect_key}},
        }
        if message.username:
            payload["username"] = message.username
        if message.icon_emoji:
            payload["icon_emoji"] = message.icon_emoji
        if message.thread_ts:
            payload |= {"thread_ts": message.thread_ts, "reply_broadcast": message.broadcast}
        reply = self._write("chat.postMessage", payload, timeout=timeout)
        posted = Posted(channel=_text(reply, "channel"), ts=_text(reply, "ts"))
        self.channels.learn(message.channel, posted.channel)
        return posted

    def update(self, posted: Posted, message: Message, *, timeout: float) -> None:
        """Sets the message to a state, so it may be repeated: never Ambiguous."""
        payload = _content(message) | {"channel": posted.channel, "ts": posted.ts}
        self._write("chat.update", payload, timeout=timeout, repeatable=True)

    def delete(self, posted: Posted, *, timeout: float) -> None:
        payload = {"channel": posted.channel, "ts": posted.ts}
        self._write("chat.delete", payload, timeout=timeout, repeatable=True)

    def find(
        self, channel: str, thread_ts: str | None, effect_key: str, since: float, *, timeout: float
    ) -> Posted | None:
        deadline = time.monotonic() + timeout
        channel_id = self.channels.id_of(channel, timeout=timeout)
        params: dict[str, Any] = {
            "channel": channel_id,
            "oldest": f"{since:.6f}",
            "inclusive": True,
            "include_all_metadata": True,
            "limit": PAGE,
        }
        method = "conversations.history"
        if thread_ts:
            method, params["ts"] = "conversations.replies", thread_ts
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unreachable("slack", "timeout")
            try:
                page = self._read(method, params, timeout=left)
            except Refused as refused:
                if refused.facts.get("error") == "thread_not_found":
                    return None
                raise
            for found in page.get("messages", []):
                if _carries(found, effect_key):
                    return Posted(channel=channel_id, ts=str(found["ts"]))
            params["cursor"] = next_cursor(page)
            if not params["cursor"]:
                return None

    def tell(self, channel: str, user: str, text: str, *, timeout: float) -> None:
        payload = {"channel": channel, "user": user, "text": text}
        self._write("chat.postEphemeral", payload, timeout=timeout)

    def open_view(self, trigger_id: str, view: dict[str, Any], *, timeout: float) -> str:
        reply = self._write("views.open", {"trigger_id": trigger_id, "view": view}, timeout=timeout)
        return _text(reply.get("view"), "id")

    def push_view(self, trigger_id: str, view: dict[str, Any], *, timeout: float) -> str:
        reply = self._write("views.push", {"trigger_id": trigger_id, "view": view}, timeout=timeout)
        return _text(reply.get("view"), "id")

    def update_view(
        self, view_id: str, view: dict[str, Any], *, seen: str = "", timeout: float
    ) -> None:
        payload = {"view_id": view_id, "view": view} | ({"hash": seen} if seen else {})
        self._write("views.update", payload, timeout=timeout, repeatable=not seen)

    def publish_home(self, user: str, view: dict[str, Any], *, timeout: float) -> None:
        payload = {"user_id": user, "view": view}
        self._write("views.publish", payload, timeout=timeout, repeatable=True)

    def whoami(self, *, timeout: float) -> dict[str, str]:
        reply = self._read("auth.test", {}, timeout=timeout)
        return {k: str(reply.get(k) or "") for k in ("team_id", "team", "user_id", "bot_id")}

    # -- calls ------------------------------------------------------------------

    def _read(self, method: str, params: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        return self._call(method, timeout, True, params=params)

    def _write(
        self, method: str, payload: dict[str, Any], *, timeout: float, repeatable: bool = False
    ) -> dict[str, Any]:
        return self._call(method, timeout, repeatable, json=payload)

    def _call(self, method: str, timeout: float, repeatable: bool, **body: Any) -> dict[str, Any]:
        from slack_sdk.errors import SlackApiError

        try:
            reply = self._client(timeout).api_call(method, **body)
        except SlackApiError as error:
            answer: Any = error.response
            raise failures.from_reply(
                answer.status_code, answer.headers, answer.data, repeatable=repeatable
            ) from None
        except (OSError, HTTPException, ValueError, LookupError, AttributeError) as error:
            # The last three are what the SDK raises over a reply that it cannot read.
            raise failures.from_exception(error, repeatable=repeatable) from None
        return reply.data if isinstance(reply.data, dict) else {}

    def _client(self, timeout: float) -> WebClient:
        # Importing the SDK takes a third of a second; most commands never call Slack.
        from slack_sdk import WebClient

        client = WebClient(
            token=self._token,
            base_url=self._base_url,
            timeout=max(0.1, timeout),  # pyright: ignore[reportArgumentType]
            ssl=self._tls,
            logger=quiet,
            retry_handlers=[],
        )
        # Unset, urllib goes by HTTPS_PROXY and NO_PROXY both.
        client.proxy = None
        return client

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: reading the certificates takes longer than most calls."""
        return ssl.create_default_context()


def client_msg_id(effect_key: str) -> str:
    return str(uuid.uuid5(CLIENT_MSG_IDS, effect_key))


def _content(message: Message) -> dict[str, Any]:
    """What a post and an update have in common. Names in the text are never linked."""
    return {
        "text": message.text,
        "blocks": message.blocks,
        "parse": "none",
        "link_names": False,
    }


def _carries(message: dict[str, Any], effect_key: str) -> bool:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return payload.get("effect_key") == effect_key or message.get("client_msg_id") == client_msg_id(
        effect_key
    )


def _text(reply: object, key: str) -> str:
    """A field of a successful reply; a reply without it settles nothing."""
    value = reply.get(key) if isinstance(reply, dict) else None
    if not isinstance(value, str) or not value:
        raise failures.from_reply(200, {}, None, repeatable=False)
    return value
