"""Messages as Slack keeps them: every post is one more, however often it comes.

A message's name is its channel and its timestamp. The page asks for `version` each
second and reads on only when it has moved.
"""

from __future__ import annotations

import time
from typing import Any

from web.local.world import World

KIND = "slack_message"
VERSION = "slack_version"
Doc = dict[str, Any]


def next_ts(world: World) -> str:
    """Seconds and a running number, as Slack writes them; never the same twice."""
    return f"{int(time.time())}.{world.next_number('slack_ts') % 1_000_000:06d}"


def add(world: World, message: Doc) -> Doc:
    stored = {"type": "message", "ts": next_ts(world)} | message
    save(world, stored)
    return stored


def save(world: World, message: Doc) -> None:
    world.put(KIND, f"{message['channel']}:{message['ts']}", message)
    touch(world)


def get(world: World, channel: str, ts: str) -> Doc | None:
    message = world.get(KIND, f"{channel}:{ts}")
    return None if message is None or message.get("deleted") else message


def in_channel(world: World, channel: str) -> list[Doc]:
    """All messages, thread replies too, oldest first; what only one person sees is not
    in Slack's history, and not here."""
    return by_channel(world).get(channel, [])


def by_channel(world: World) -> dict[str, list[Doc]]:
    found: dict[str, list[Doc]] = {}
    for message in world.all(KIND):
        if not message.get("deleted") and not message.get("ephemeral_to"):
            found.setdefault(message["channel"], []).append(message)
    for channel in found.values():
        channel.sort(key=_ts)
    return found


def tombstones(world: World, channel: str) -> list[Doc]:
    """What Slack leaves of a deleted message that opened a thread: its place, and a word."""
    opened = {m["thread_ts"] for m in in_channel(world, channel) if is_reply(m)}
    return [
        {"type": "message", "subtype": "tombstone", "channel": channel, "ts": message["ts"],
         "user": message["user"], "text": "_This message was deleted._"}
        for message in world.all(KIND)
        if message["channel"] == channel and message.get("deleted") and message["ts"] in opened
    ]  # fmt: skip


def told_to(world: World, channel: str, user: str) -> list[Doc]:
    """What the app said in a channel to one person alone."""
    return [
        message
        for message in world.all(KIND)
        if message["channel"] == channel
        and message.get("ephemeral_to") == user
        and not message.get("deleted")
    ]


def threads(everything: list[Doc]) -> dict[str, list[Doc]]:
    """The replies of each thread, by the timestamp of the message that opened it."""
    found: dict[str, list[Doc]] = {}
    for message in everything:
        if is_reply(message):
            found.setdefault(message["thread_ts"], []).append(message)
    return found


def is_reply(message: Doc) -> bool:
    return bool(message.get("thread_ts")) and message["thread_ts"] != message["ts"]


def in_history(message: Doc) -> bool:
    return not is_reply(message) or bool(message.get("broadcast"))


def shown(message: Doc, replies: list[Doc], *, metadata: bool = True) -> Doc:
    """A message as the API gives it out, with the tally of its thread."""
    ours = {"channel", "broadcast", "ephemeral_to"} | (set() if metadata else {"metadata"})
    out = {key: value for key, value in message.items() if key not in ours}
    if replies:
        out |= {
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "latest_reply": replies[-1]["ts"],
        }
    if message.get("broadcast"):
        out["subtype"] = "thread_broadcast"
    return out


def touch(world: World) -> None:
    world.next_number(VERSION)


def version(world: World) -> int:
    stored: Any = world.get("_counter", VERSION)
    return int(stored or 0)


def _ts(message: Doc) -> str:
    return message["ts"]
