"""The Web API as the SDK calls it: one function for each method.

A failure is `ok: false` with Slack's own code and HTTP 200, as there. Any token that
begins with `xoxb-` is good, unless it has the word `revoked` in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from web.local import local_settings, request_world
from web.local.slack import channels, messages, views
from web.local.slack.arguments import (
    Arguments,
    CallFailed,
    Reply,
    authenticate,
    by_us,
    channel_of,
    check_blocks,
    check_content,
    checked_view,
    in_span,
    message_of,
    messages_page,
    page_of,
    read,
    truth,
)
from web.local.slack.people import BOT, BOT_USER, PEOPLE, TEAM_NAME
from web.local.world import World

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.route("/<method>", methods=["GET", "POST"])
def call(method: str) -> Response:
    try:
        arguments = read()
        authenticate(arguments)
        function = METHODS.get(method)
        if function is None:
            raise CallFailed("unknown_method", req_method=method)
        return jsonify({"ok": True} | function(request_world(), arguments))
    except CallFailed as failed:
        return jsonify(failed.reply)


def auth_test(_world: World, _arguments: Arguments) -> Reply:
    return {
        "url": f"{request.host_url}slack/",
        "team": TEAM_NAME,
        "user": "engine",
        "team_id": local_settings().slack_team_id,
        "user_id": BOT_USER,
        "bot_id": BOT,
    }


# -- chat -----------------------------------------------------------------------


def post_message(world: World, arguments: Arguments) -> Reply:
    channel = channel_of(world, arguments, joined=True)
    check_content(arguments)
    message = by_us(arguments) | {"channel": channel["id"]}
    thread_ts = arguments.get("thread_ts")
    if thread_ts:
        if messages.get(world, channel["id"], str(thread_ts)) is None:
            raise CallFailed("thread_not_found")
        message |= {"thread_ts": thread_ts, "broadcast": truth(arguments, "reply_broadcast")}
    stored = messages.add(world, message)
    shown = messages.shown(stored, [])
    return {"channel": channel["id"], "ts": stored["ts"], "message": shown}


def update(world: World, arguments: Arguments) -> Reply:
    message = message_of(world, arguments)
    if message.get("bot_id") != BOT:
        raise CallFailed("cant_update_message")
    if not arguments.get("text") and "blocks" not in arguments:
        raise CallFailed("no_text")
    check_blocks(arguments.get("blocks") or [])
    changed = {
        name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments
    }
    message |= changed | {"edited": {"user": BOT_USER, "ts": messages.next_ts(world)}}
    messages.save(world, message)
    shown = messages.shown(message, [])
    return {"channel": message["channel"], "ts": message["ts"], "text": message["text"]} | {
        "message": shown
    }


def delete(world: World, arguments: Arguments) -> Reply:
    message = message_of(world, arguments)
    messages.save(world, message | {"deleted": True})
    return {"channel": message["channel"], "ts": message["ts"]}


def post_ephemeral(world: World, arguments: Arguments) -> Reply:
    channel = channel_of(world, arguments, joined=True)
    if arguments.get("user") not in PEOPLE:
        raise CallFailed("user_not_in_channel")
    check_content(arguments)
    told = by_us(arguments) | {"channel": channel["id"], "ephemeral_to": arguments["user"]}
    return {"message_ts": messages.add(world, told)["ts"]}


# -- conversations --------------------------------------------------------------


def list_channels(world: World, arguments: Arguments) -> Reply:
    page, cursor = page_of(channels.channels(world), arguments)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def channel_info(world: World, arguments: Arguments) -> Reply:
    return {"channel": channel_of(world, arguments, by_id=True)}


def create_channel(world: World, arguments: Arguments) -> Reply:
    name = str(arguments.get("name") or "")
    if not re.fullmatch(r"[a-z0-9_-]{1,80}", name):
        raise CallFailed("invalid_name_specials")
    if channels.find(world, name):
        raise CallFailed("name_taken")
    return {"channel": channels.create(world, name)}


def join_channel(world: World, arguments: Arguments) -> Reply:
    channel = channel_of(world, arguments, by_id=True) | {"is_member": True}
    channels.save(world, channel)
    return {"channel": channel}


def history(world: World, arguments: Arguments) -> Reply:
    channel = channel_of(world, arguments, by_id=True, joined=True)
    everything = messages.in_channel(world, channel["id"])
    wanted = [m for m in everything if messages.in_history(m) and in_span(m, arguments)]
    return messages_page(list(reversed(wanted)), everything, arguments)


def replies(world: World, arguments: Arguments) -> Reply:
    channel = channel_of(world, arguments, by_id=True, joined=True)
    everything = messages.in_channel(world, channel["id"])
    parent_ts = str(arguments.get("ts") or "")
    parents = [message for message in everything if message["ts"] == parent_ts]
    if not parents:
        raise CallFailed("thread_not_found")
    thread = [m for m in everything if messages.is_reply(m) and m["thread_ts"] == parent_ts]
    wanted = parents + [m for m in thread if in_span(m, arguments)]
    return messages_page(wanted, everything, arguments)


# -- views and users ------------------------------------------------------------


def open_view(world: World, arguments: Arguments) -> Reply:
    view = checked_view(arguments)
    user, error = views.use_trigger(world, str(arguments.get("trigger_id") or ""))
    if error:
        raise CallFailed(error)
    return {"view": views.open_view(world, user, view, local_settings().slack_team_id)}


def push_view(world: World, arguments: Arguments) -> Reply:
    view = checked_view(arguments)
    user, error = views.use_trigger(world, str(arguments.get("trigger_id") or ""))
    if error:
        raise CallFailed(error)
    opened = views.opened_by(world, user)
    if not opened:
        raise CallFailed("view_not_found")
    if len(opened) >= views.STACK:
        raise CallFailed("push_limit_reached")
    team_id = local_settings().slack_team_id
    return {"view": views.open_view(world, user, view, team_id, on_top=True)}


def update_view(world: World, arguments: Arguments) -> Reply:
    view = checked_view(arguments)
    kept = views.get(world, str(arguments.get("view_id") or ""))
    if kept is None or not kept["open"]:
        raise CallFailed("not_found")
    if arguments.get("hash") not in (None, kept["view"]["hash"]):
        raise CallFailed("hash_conflict")
    return {"view": views.replace(world, kept["view"]["id"], view)}


def publish_view(world: World, arguments: Arguments) -> Reply:
    view = checked_view(arguments)
    user = str(arguments.get("user_id") or "")
    if user not in PEOPLE:
        raise CallFailed("user_not_found")
    return {"view": views.publish_home(world, user, view, local_settings().slack_team_id)}


def user_info(_world: World, arguments: Arguments) -> Reply:
    person = PEOPLE.get(str(arguments.get("user") or ""))
    if person is None:
        raise CallFailed("user_not_found")
    return {"user": person.as_slack(local_settings().slack_team_id)}


def list_users(_world: World, arguments: Arguments) -> Reply:
    team_id = local_settings().slack_team_id
    page, cursor = page_of([person.as_slack(team_id) for person in PEOPLE.values()], arguments)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


METHODS: dict[str, Callable[[World, Arguments], Reply]] = {
    "auth.test": auth_test,
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "conversations.list": list_channels,
    "conversations.info": channel_info,
    "conversations.create": create_channel,
    "conversations.join": join_channel,
    "conversations.history": history,
    "conversations.replies": replies,
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
    "views.publish": publish_view,
    "users.info": user_info,
    "users.list": list_users,
}
