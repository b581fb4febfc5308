"""What Slack posts to us, read into small values: clicks, forms, commands, events.

Everything here comes from outside, and a valid signature only says that Slack passed it
on: whatever does not have the shape that is needed raises PayloadInvalid, and whatever
is not ours is `Ignored` and acknowledged. `key` names the occasion, so that the same
click stored twice is one row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from engine.slack.card_foot import ANSWER, token_in
from engine.slack.modals import parse_submission


class PayloadInvalid(EngineError):
    """The request is signed, but not of a shape that Slack sends."""

    code = "payload_invalid"


@dataclass(frozen=True, slots=True)
class Click:
    """A button or a select on a card: the answer `value` to the question `token`."""

    key: str
    token: str
    value: str
    user_id: str
    user_name: str
    team_id: str
    trigger_id: str
    channel: str
    message_ts: str
    response_url: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal sent off. `kind` is edit, reply or reason; `value` the answer it belongs to."""

    key: str
    token: str
    kind: str
    value: str
    fields: dict[str, str]
    user_id: str
    user_name: str
    team_id: str
    view_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A modal put away without an answer."""

    key: str
    token: str
    kind: str
    value: str
    user_id: str
    user_name: str
    team_id: str
    view_id: str


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


def read_interaction(form: Mapping[str, str]) -> Click | Submission | Closed | Ignored:
    """The `payload` field of a post to the interactivity address."""
    payload = _object(_json(form.get("payload")), "payload")
    kind = payload.get("type")
    try:
        if kind == "block_actions":
            return _click(payload)
        if kind == "view_submission":
            return _submission(payload)
        if kind == "view_closed":
            return _closed(payload)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, StopIteration) as error:
        raise PayloadInvalid(f"{kind}: {type(error).__name__}") from None
    return Ignored("interaction")


def read_command(form: Mapping[str, str]) -> Command:
    command = form.get("command") or ""
    trigger_id = form.get("trigger_id") or ""
    if not command.startswith("/") or not form.get("user_id") or not trigger_id:
        raise PayloadInvalid("command")
    return Command(
        key=f"command:{trigger_id}",
        command=command,
        text=form.get("text") or "",
        user_id=form["user_id"],
        user_name=form.get("user_name") or form["user_id"],
        team_id=form.get("team_id") or "",
        channel=form.get("channel_id") or "",
        trigger_id=trigger_id,
        response_url=form.get("response_url") or "",
    )


def read_event(body: bytes) -> UrlCheck | HomeOpened | Ignored:
    """A post to the events address."""
    payload = _object(_json(body), "event")
    if payload.get("type") == "url_verification":
        return UrlCheck(_string(payload, "challenge"))
    event = payload.get("event")
    if not isinstance(event, dict):
        raise PayloadInvalid("event")
    if event.get("type") != "app_home_opened" or event.get("tab", "home") != "home":
        return Ignored("event")
    return HomeOpened(
        key=f"event:{_string(payload, 'event_id')}",
        user_id=_string(event, "user"),
        team_id=str(payload.get("team_id") or ""),
    )


def _click(payload: dict[str, Any]) -> Click | Ignored:
    action = _object(payload["actions"][0], "action")
    name = _string(action, "action_id")
    if name == ANSWER:
        token = token_in(_string(action, "block_id"))
        value = _string(_object(action["selected_option"], "option"), "value")
    elif name.startswith(f"{ANSWER}:"):
        token, value = _string(action, "value"), name.removeprefix(f"{ANSWER}:")
    else:
        return Ignored("action")
    container = payload.get("container") or {}
    channel = (payload.get("channel") or {}).get("id") or container.get("channel_id") or ""
    trigger_id = _string(payload, "trigger_id")
    return Click(
        key=f"click:{trigger_id}",
        token=token,
        value=value,
        **_person(payload),
        trigger_id=trigger_id,
        channel=str(channel),
        message_ts=str(container.get("message_ts") or ""),
        response_url=str(payload.get("response_url") or ""),
    )


def _submission(payload: dict[str, Any]) -> Submission | Ignored:
    view = _object(payload["view"], "view")
    token, (kind, value) = str(view.get("private_metadata") or ""), _callback(view)
    if not token:
        return Ignored("view")
    fields = parse_submission(payload)
    if not all(isinstance(text, str) for text in fields.values()):
        raise PayloadInvalid("fields")
    view_id, state_hash = _string(view, "id"), _string(view, "hash")
    # The hash stays the same when a form comes back corrected; the trigger does not.
    occasion = payload.get("trigger_id") or state_hash
    return Submission(
        key=f"view:{view_id}:{occasion}",
        token=token,
        kind=kind,
        value=value,
        fields=fields,
        **_person(payload),
        view_id=view_id,
        hash=state_hash,
    )


def _closed(payload: dict[str, Any]) -> Closed | Ignored:
    view = _object(payload["view"], "view")
    token, (kind, value) = str(view.get("private_metadata") or ""), _callback(view)
    if not token:
        return Ignored("view")
    view_id = _string(view, "id")
    return Closed(
        key=f"closed:{view_id}",
        token=token,
        kind=kind,
        value=value,
        **_person(payload),
        view_id=view_id,
    )


def _person(payload: dict[str, Any]) -> dict[str, str]:
    """The person's own team before the app's: in a channel shared with another company
    the two differ, and only the first says whether this is one of us."""
    user, team = _object(payload["user"], "user"), payload.get("team")
    user_id = _string(user, "id")
    team_id = user.get("team_id") or (team.get("id") if isinstance(team, dict) else "")
    name = user.get("name") or user.get("username") or user_id
    return {"user_id": user_id, "user_name": str(name), "team_id": str(team_id or "")}


def _callback(view: dict[str, Any]) -> tuple[str, str]:
    kind, _, value = str(view.get("callback_id") or "").partition(":")
    return kind, value


def _json(text: str | bytes | None) -> object:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        raise PayloadInvalid("not JSON") from None


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PayloadInvalid(name)
    return value


def _string(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str) or not value:
        raise PayloadInvalid(key)
    return value
