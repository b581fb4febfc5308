"""The page that looks like a chat, and the same hands for tests and walks.

`/slack/_view/` is the page; it asks `/slack/_state` each second. `/slack/_press`,
`_submit`, `_close`, `_command` and `_home` take JSON and do what a click does: post to
the engine, signed, and return its answer. `/slack/_messages` is a channel as JSON.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from web.local import local_settings, request_world
from web.local.slack import channels, messages, views
from web.local.slack.inputs import NothingThere
from web.local.slack.interactions import EngineReply, Hand
from web.local.slack.people import OWNER, PARTNER, PEOPLE, STRANGER

blueprint = Blueprint("page", __name__)
Doc = dict[str, Any]


@blueprint.errorhandler(NothingThere)
def _nothing_there(error: NothingThere) -> tuple[Response, int]:
    return jsonify(ok=False, status=0, error=f"no such {error}"), 404


@blueprint.get("/_view/")
def view() -> str:
    people = [PEOPLE[user] for user in (OWNER, PARTNER, STRANGER)]
    return render_template("slack.html", people=people, here="slack")


@blueprint.get("/_state")
def state() -> Response | tuple[str, int]:
    """All that the page shows for one person in one channel; 204 while nothing moved."""
    world = request_world()
    now = messages.version(world)
    if request.args.get("version") == str(now):
        return "", 204
    user = _user(request.args.get("user", OWNER))
    channel = channels.find(world, request.args.get("channel", "")) or channels.FIRST[0]
    everything = messages.by_channel(world)
    return jsonify(
        version=now,
        channel=channel,
        channels=[
            each | {"latest": everything[each["id"]][-1]["ts"] if each["id"] in everything else ""}
            for each in channels.channels(world)
        ],
        messages=_shown(
            everything.get(channel["id"], []) + messages.tombstones(world, channel["id"]),
            _told(channel["id"], user),
        ),
        views=views.opened_by(world, user),
        home=views.home_of(world, user),
        people={person.id: person.name for person in PEOPLE.values()},
    )


@blueprint.get("/_messages")
def as_json() -> Response | tuple[Response, int]:
    """Every message of a channel, thread replies and metadata included, oldest first;
    with `user`, what only that person was told as well."""
    world = request_world()
    channel = channels.find(world, request.args.get("channel", ""))
    if channel is None:
        raise NothingThere("channel")
    told = _told(channel["id"], request.args.get("user", ""))
    return jsonify(messages=_shown(messages.in_channel(world, channel["id"]), told))


@blueprint.post("/_press")
def press() -> Response:
    given = _given()
    what = {name: str(given.get(name) or "") for name in ("action_id", "label", "value")}
    if given.get("view_id"):
        return _said(_hand(given).press_in_view(str(given["view_id"]), **what))
    channel, ts = str(given.get("channel") or ""), str(given.get("message_ts") or "")
    return _said(_hand(given).press(channel, ts, **what))


@blueprint.post("/_submit")
def submit() -> Response:
    given = _given()
    values = {str(key): str(text) for key, text in (given.get("values") or {}).items()}
    reply, errors = _hand(given).submit(str(given.get("view_id") or ""), values)
    return jsonify(reply.as_dict() | {"errors": errors})


@blueprint.post("/_close")
def close() -> Response:
    given = _given()
    return _said(_hand(given).close(str(given.get("view_id") or "")))


@blueprint.post("/_command")
def command() -> Response:
    given = _given()
    channel = str(given.get("channel") or channels.FIRST[0]["id"])
    text, name = str(given.get("text") or ""), str(given.get("command") or "")
    return _said(_hand(given).command(name, text, channel))


@blueprint.post("/_say")
def say() -> Response:
    """A person's own words in a channel; Slack tells the engine nothing of them."""
    given = _given()
    world, channel = request_world(), str(given.get("channel") or "")
    found = channels.find(world, channel)
    if found is None:
        raise NothingThere("channel")
    words = {"channel": found["id"], "user": _user(given.get("user")), "text": given.get("text")}
    if given.get("thread_ts"):
        words["thread_ts"] = str(given["thread_ts"])
    messages.add(world, words)
    return jsonify(ok=True)


@blueprint.post("/_delete")
def delete() -> Response:
    """Somebody with the rights to it deletes a message; Slack tells the engine nothing."""
    given, world = _given(), request_world()
    message = messages.get(world, str(given.get("channel")), str(given.get("message_ts")))
    if message is None:
        raise NothingThere("message")
    messages.save(world, message | {"deleted": True})
    return jsonify(ok=True)


@blueprint.post("/_home")
def home() -> Response:
    return _said(_hand(_given()).open_home())


def _given() -> Doc:
    given = request.get_json()
    return given if isinstance(given, dict) else {}


def _hand(given: Doc) -> Hand:
    return Hand(request_world(), local_settings(), request.host_url, _user(given.get("user")))


def _user(user: object) -> str:
    if str(user) not in PEOPLE:
        raise NothingThere("user")
    return str(user)


def _said(reply: EngineReply) -> Response:
    return jsonify(reply.as_dict())


def _told(channel: str, user: str) -> list[Doc]:
    return messages.told_to(request_world(), channel, user) if user else []


def _shown(everything: list[Doc], told: list[Doc]) -> list[Doc]:
    threads = messages.threads(everything)
    lines = [
        messages.shown(message, threads.get(message["ts"], []))
        | {
            "ephemeral": bool(message.get("ephemeral_to")),
            "broadcast": bool(message.get("broadcast")),
        }
        for message in everything + told
    ]
    return sorted(lines, key=lambda line: line["ts"])
