"""The addresses at which an app may answer a click or a command later: five times, for
half an hour. A message sent there is seen by the one person, unless it says otherwise."""

from __future__ import annotations

import time
import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, request

from web.local import request_world
from web.local.slack import messages
from web.local.slack.people import APP, BOT, BOT_USER
from web.local.world import World

blueprint = Blueprint("response_urls", __name__, url_prefix="/response")
KIND = "slack_response_url"
USES = 5
SECONDS = 1800


def issue(world: World, host: str, channel: str, user: str, message_ts: str = "") -> str:
    key = uuid.uuid4().hex
    about = {"channel": channel, "user": user, "message_ts": message_ts}
    world.put(KIND, key, about | {"at": time.time(), "uses": 0})
    return f"{host.rstrip('/')}/slack/response/{key}"


def say(world: World, channel: str, user: str, said: dict[str, Any]) -> None:
    """Post what an app answered to a command."""
    message = {
        "channel": channel,
        "user": BOT_USER,
        "bot_id": BOT,
        "app_id": APP,
        "text": str(said.get("text") or ""),
        "blocks": said.get("blocks") or [],
    }
    if said.get("response_type") != "in_channel":
        message["ephemeral_to"] = user
    messages.add(world, message)


@blueprint.post("/<key>")
def answer(key: str) -> tuple[Response, int]:
    world = request_world()
    about = world.get(KIND, key)
    if about is None or about["uses"] >= USES or time.time() - about["at"] > SECONDS:
        return jsonify(ok=False, error="expired_url"), 404
    world.put(KIND, key, about | {"uses": about["uses"] + 1})
    said = request.get_json(silent=True) or {}
    original = messages.get(world, about["channel"], about["message_ts"])
    if original and said.get("delete_original"):
        messages.save(world, original | {"deleted": True})
    elif original and said.get("replace_original"):
        changed = {name: said[name] for name in ("text", "blocks") if name in said}
        messages.save(world, original | changed)
    else:
        say(world, about["channel"], about["user"], said)
    return jsonify(ok=True), 200
