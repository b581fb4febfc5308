"""What a call to the Web API was given: read, checked, and refused as Slack refuses it."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from web.local.slack import channels, limits, messages
from web.local.slack.people import APP, BOT, BOT_USER
from web.local.world import World

Arguments = dict[str, Any]
Reply = dict[str, Any]
OBJECTS = ("blocks", "view", "metadata", "attachments")
CONTENT = ("text", "blocks", "metadata", "username", "icon_emoji", "client_msg_id")


class CallFailed(Exception):
    """Answered with `ok: false` and this code."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.reply = {"ok": False, "error": code, **extra}


def read() -> Arguments:
    """JSON, or a form whose structured fields are JSON, or the query."""
    try:
        if request.is_json:
            arguments = json.loads(request.get_data() or b"{}")
        else:
            arguments = request.values.to_dict()
            for name in OBJECTS:
                if isinstance(arguments.get(name), str):
                    arguments[name] = json.loads(arguments[name])
    except ValueError:
        raise CallFailed("invalid_json") from None
    if not isinstance(arguments, dict):
        raise CallFailed("json_not_object")
    return arguments


def authenticate(arguments: Arguments) -> None:
    header = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = header or str(arguments.get("token") or "")
    if not token:
        raise CallFailed("not_authed")
    if "revoked" in token:
        raise CallFailed("token_revoked")
    if not token.startswith("xoxb-"):
        raise CallFailed("invalid_auth")


def channel_of(
    world: World, arguments: Arguments, *, by_id: bool = False, joined: bool = False
) -> dict[str, Any]:
    name = str(arguments.get("channel") or "")
    channel = channels.find(world, name)
    if channel is None or (by_id and channel["id"] != name):
        raise CallFailed("channel_not_found")
    if joined and not channel["is_member"]:
        raise CallFailed("not_in_channel")
    return channel


def message_of(world: World, arguments: Arguments) -> dict[str, Any]:
    channel = channel_of(world, arguments, by_id=True)
    message = messages.get(world, channel["id"], str(arguments.get("ts") or ""))
    if message is None:
        raise CallFailed("message_not_found")
    return message


def by_us(arguments: Arguments) -> dict[str, Any]:
    content = {name: arguments[name] for name in CONTENT if arguments.get(name)}
    return {"text": "", "user": BOT_USER, "bot_id": BOT, "app_id": APP} | content


def check_content(arguments: Arguments) -> None:
    if not str(arguments.get("text") or "").strip() and not arguments.get("blocks"):
        raise CallFailed("no_text")
    check_blocks(arguments.get("blocks") or [])


def check_blocks(blocks: object) -> None:
    if limits.too_long_together(blocks):
        raise CallFailed("msg_blocks_too_long")
    wrong = limits.of_message(blocks)
    if wrong:
        raise CallFailed(
            "invalid_blocks",
            errors=wrong,
            response_metadata={"messages": [f"[ERROR] {message}" for message in wrong]},
        )


def checked_view(arguments: Arguments) -> dict[str, Any]:
    wrong = limits.of_view(arguments.get("view"))
    if wrong:
        said = {"messages": [f"[ERROR] {message}" for message in wrong]}
        raise CallFailed("invalid_arguments", response_metadata=said)
    return arguments["view"]


def truth(arguments: Arguments, name: str) -> bool:
    return str(arguments.get(name) or "").lower() in ("1", "true")


def in_span(message: dict[str, Any], arguments: Arguments) -> bool:
    oldest, latest = (float(arguments.get(name) or 0) for name in ("oldest", "latest"))
    ts = float(message["ts"])
    if truth(arguments, "inclusive"):
        return oldest <= ts and (not latest or ts <= latest)
    return oldest < ts and (not latest or ts < latest)


def page_of(items: list[Any], arguments: Arguments) -> tuple[list[Any], str]:
    start = int(str(arguments.get("cursor") or "next:0").removeprefix("next:"))
    end = start + min(int(arguments.get("limit") or 100), 999)
    return items[start:end], f"next:{end}" if end < len(items) else ""


def messages_page(
    wanted: list[dict[str, Any]], everything: list[dict[str, Any]], arguments: Arguments
) -> Reply:
    page, cursor = page_of(wanted, arguments)
    metadata = truth(arguments, "include_all_metadata")
    threads = messages.threads(everything)
    reply: Reply = {
        "messages": [messages.shown(m, threads.get(m["ts"], []), metadata=metadata) for m in page],
        "has_more": bool(cursor),
    }
    return reply | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})
