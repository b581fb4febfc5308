"""What Slack posts to us, read into small values: commands and events here, clicks and
forms in `interactions.py`.

Everything here comes from outside, and a valid signature only says that Slack passed it
on: whatever does not have the shape that is needed raises PayloadInvalid, and whatever
is not ours is `Ignored` and acknowledged. `key` names the occasion, so that the same
post stored twice is one row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from engine.stored_json import storable


class PayloadInvalid(EngineError):
    """The request is signed, but not of a shape that Slack sends."""

    code = "payload_invalid"


@dataclass(frozen=True, slots=True)
class Command:
    key: str
    command: str
    text: str
    user_id: str
    user_name: str
    team_id: str
    channel: str
    trigger_id: str
    response_url: str = ""


@dataclass(frozen=True, slots=True)
class HomeOpened:
    key: str
    user_id: str
    team_id: str


@dataclass(frozen=True, slots=True)
class UrlCheck:
    """Slack asks whether this address is ours; the answer is the challenge itself."""

    challenge: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Acknowledged, and nothing done."""

    what: str


def read_command(form: Mapping[str, str]) -> Command:
    command = form.get("command") or ""
    trigger_id = form.get("trigger_id") or ""
    user_id = form.get("user_id") or ""
    if not command.startswith("/") or not user_id or not trigger_id or "\0" in user_id:
        raise PayloadInvalid("command")
    return Command(
        key=f"command:{trigger_id}",
        command=command,
        # The database takes no NUL, and nobody types one.
        text=(form.get("text") or "").replace("\0", ""),
        user_id=user_id,
        user_name=form.get("user_name") or user_id,
        team_id=form.get("team_id") or "",
        channel=form.get("channel_id") or "",
        trigger_id=trigger_id,
        response_url=form.get("response_url") or "",
    )


def read_event(body: bytes) -> UrlCheck | HomeOpened | Ignored:
    """A post to the events address."""
    payload = object_in(json_in(body), "event")
    if payload.get("type") == "url_verification":
        return UrlCheck(string_in(payload, "challenge"))
    event = payload.get("event")
    if not isinstance(event, dict):
        raise PayloadInvalid("event")
    if event.get("type") != "app_home_opened" or event.get("tab", "home") != "home":
        return Ignored("event")
    return HomeOpened(
        key=f"event:{string_in(payload, 'event_id')}",
        user_id=string_in(event, "user"),
        team_id=str(payload.get("team_id") or ""),
    )


def json_in(text: str | bytes | None) -> object:
    """Without NULs and halves of characters, for which the database has no place."""
    try:
        return json.loads(storable(json.loads(text or "")))
    except (ValueError, RecursionError):
        raise PayloadInvalid("not JSON") from None


def object_in(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PayloadInvalid(name)
    return value


def string_in(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str) or not value:
        raise PayloadInvalid(key)
    return value
