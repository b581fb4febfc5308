"""Modals and home tabs, and the trigger that a click hands out for opening one.

A trigger lives three seconds and opens one modal, as Slack's does: an engine that is too
slow fails here as it would there.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from web.local.slack import messages
from web.local.slack.people import APP, BOT
from web.local.world import World

KIND = "slack_view"
TRIGGERS = "slack_trigger"
HOMES = "slack_home"
TRIGGER_SECONDS = 3.0
# So many modals may stand on top of each other.
STACK = 3
Doc = dict[str, Any]


def new_trigger(world: World, user: str) -> str:
    trigger_id = f"{world.next_number('slack_trigger_id')}.{uuid.uuid4().hex}"
    world.put(TRIGGERS, trigger_id, {"user": user, "at": time.time(), "used": False})
    return trigger_id


def use_trigger(world: World, trigger_id: str) -> tuple[str, str]:
    """The user who clicked, or an error code."""
    trigger = world.get(TRIGGERS, trigger_id)
    if trigger is None:
        return "", "invalid_trigger_id"
    if trigger["used"]:
        return "", "exchanged_trigger_id"
    if time.time() - trigger["at"] > TRIGGER_SECONDS:
        return "", "expired_trigger_id"
    world.put(TRIGGERS, trigger_id, trigger | {"used": True})
    return trigger["user"], ""


def open_view(world: World, user: str, view: Doc, team_id: str, *, on_top: bool = False) -> Doc:
    number = world.next_number("slack_view_id")
    beneath = opened_by(world, user) if on_top else []
    stored = _stored(view, f"V0LOCAL{number}", team_id)
    if beneath:
        stored |= {"previous_view_id": beneath[-1]["id"], "root_view_id": beneath[0]["id"]}
    opened = {"user": user, "open": True, "view": stored}
    _save(world, opened)
    return opened["view"]


def replace(world: World, view_id: str, view: Doc) -> Doc | None:
    kept = world.get(KIND, view_id)
    if kept is None or not kept["open"]:
        return None
    stack = {name: kept["view"][name] for name in ("previous_view_id", "root_view_id")}
    kept["view"] = _stored(view, view_id, kept["view"]["team_id"]) | stack
    _save(world, kept)
    return kept["view"]


def close(world: World, view_id: str) -> None:
    kept = world.get(KIND, view_id)
    if kept:
        _save(world, kept | {"open": False})


def close_all(world: World, user: str) -> None:
    for view in opened_by(world, user):
        close(world, view["id"])


def get(world: World, view_id: str) -> Doc | None:
    """The stored record: user, open, view."""
    return world.get(KIND, view_id)


def opened_by(world: World, user: str) -> list[Doc]:
    """From the bottom of the stack to the top."""
    return [v["view"] for v in world.all(KIND) if v["open"] and v["user"] == user]


def publish_home(world: World, user: str, view: Doc, team_id: str) -> Doc:
    published = _stored(view, f"V0HOME{user}", team_id)
    world.put(HOMES, user, published)
    messages.touch(world)
    return published


def home_of(world: World, user: str) -> Doc | None:
    return world.get(HOMES, user)


def _stored(view: Doc, view_id: str, team_id: str) -> Doc:
    return view | {
        "id": view_id,
        "team_id": team_id,
        "app_id": APP,
        "bot_id": BOT,
        "hash": f"{int(time.time())}.{uuid.uuid4().hex[:8]}",
        "state": {"values": {}},
        "private_metadata": view.get("private_metadata", ""),
        "callback_id": view.get("callback_id", ""),
        "root_view_id": view_id,
        "previous_view_id": None,
    }


def _save(world: World, record: Doc) -> None:
    world.put(KIND, record["view"]["id"], record)
    messages.touch(world)
