"""Clicks on cards and in views, and forms sent off or put away: what Slack posts to the
interactivity address, read into small values. Shapes are checked as in `payloads.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.slack.card_foot import ANSWER, token_in
from engine.slack.modals import parse_submission
from engine.slack.payloads import Ignored, PayloadInvalid, json_in, object_in, string_in


@dataclass(frozen=True, slots=True)
class Click:
    """A button or a select on a card, in a modal or in the home tab: the answer `value` to
    the question `token`."""

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
    view_id: str = ""
    view_hash: str = ""
    view_type: str = ""

    @property
    def in_modal(self) -> bool:
        return self.view_type == "modal"


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
    # The modal that this one was put on top of.
    beneath: str = ""


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


Interaction = Click | Submission | Closed


def read_interaction(form: Mapping[str, str]) -> Click | Submission | Closed | Ignored:
    """The `payload` field of a post to the interactivity address."""
    payload = object_in(json_in(form.get("payload")), "payload")
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


def _click(payload: dict[str, Any]) -> Click | Ignored:
    action = object_in(payload["actions"][0], "action")
    name = string_in(action, "action_id")
    if name == ANSWER:
        token = token_in(string_in(action, "block_id"))
        value = string_in(object_in(action["selected_option"], "option"), "value")
    elif name.startswith(f"{ANSWER}:"):
        token, value = string_in(action, "value"), name.removeprefix(f"{ANSWER}:")
    else:
        return Ignored("action")
    container = payload.get("container") or {}
    channel = (payload.get("channel") or {}).get("id") or container.get("channel_id") or ""
    trigger_id = string_in(payload, "trigger_id")
    return Click(
        key=f"click:{trigger_id}",
        token=token,
        value=value,
        **_person(payload),
        trigger_id=trigger_id,
        channel=str(channel),
        message_ts=str(container.get("message_ts") or ""),
        response_url=str(payload.get("response_url") or ""),
        **_view(payload.get("view") or {}),
    )


def _view(view: dict[str, Any]) -> dict[str, str]:
    return {f"view_{part}": str(view.get(part) or "") for part in ("id", "hash", "type")}


def _submission(payload: dict[str, Any]) -> Submission | Ignored:
    view = object_in(payload["view"], "view")
    token, (kind, value) = str(view.get("private_metadata") or ""), _callback(view)
    if not token:
        return Ignored("view")
    fields = parse_submission(payload)
    if not all(isinstance(text, str) for text in fields.values()):
        raise PayloadInvalid("fields")
    view_id, state_hash = string_in(view, "id"), string_in(view, "hash")
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
        beneath=str(view.get("previous_view_id") or ""),
    )


def _closed(payload: dict[str, Any]) -> Closed | Ignored:
    view = object_in(payload["view"], "view")
    token, (kind, value) = str(view.get("private_metadata") or ""), _callback(view)
    if not token:
        return Ignored("view")
    view_id = string_in(view, "id")
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
    user, team = object_in(payload["user"], "user"), payload.get("team")
    user_id = string_in(user, "id")
    team_id = user.get("team_id") or (team.get("id") if isinstance(team, dict) else "")
    name = user.get("name") or user.get("username") or user_id
    return {"user_id": user_id, "user_name": str(name), "team_id": str(team_id or "")}


def _callback(view: dict[str, Any]) -> tuple[str, str]:
    kind, _, value = str(view.get("callback_id") or "").partition(":")
    return kind, value
