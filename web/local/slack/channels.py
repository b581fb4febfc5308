"""The channels of the local workspace: those that the engine expects, and those it made."""

from __future__ import annotations

from typing import Any

from web.local.world import World

KIND = "slack_channel"


def _channel(channel_id: str, name: str, purpose: str, *, member: bool = True) -> dict[str, Any]:
    return {
        "id": channel_id,
        "name": name,
        "is_channel": True,
        "is_private": False,
        "is_archived": False,
        "is_member": member,
        "purpose": {"value": purpose},
    }


FIRST = (
    _channel("C0LEADS", "leads-incoming", "New leads, and what becomes of them"),
    _channel("C0ESCALATIONS", "escalations", "What needs a person now"),
    _channel("C0MARKETING", "marketing", "Campaigns"),
    _channel("C0SCHEDULING", "scheduling", "Visits and crews"),
    _channel("C0BILLING", "billing", "Invoices"),
    _channel("C0OPSLOG", "ops-log", "What the agents do all day"),
    _channel("C0GENERAL", "general", "Where the app was not invited", member=False),
)


def channels(world: World) -> list[dict[str, Any]]:
    stored = {channel["id"]: channel for channel in world.all(KIND)}
    first = [stored.pop(channel["id"], channel) for channel in FIRST]
    return first + list(stored.values())


def find(world: World, name_or_id: str) -> dict[str, Any] | None:
    wanted = name_or_id.removeprefix("#")
    return next((c for c in channels(world) if wanted in (c["id"], c["name"])), None)


def create(world: World, name: str) -> dict[str, Any]:
    made = _channel(f"C0LOCAL{world.next_number('slack_channel_id')}", name, "")
    save(world, made)
    return made


def save(world: World, channel: dict[str, Any]) -> None:
    world.put(KIND, channel["id"], channel)
