"""The HubSpot stand-in's portal: its properties, its errors, and what it keeps.

Beside HubSpot's own properties the portal has those that `docs/crm.md` tells an owner to
make. A value of a property with unique values stands once.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from web.local import request_world
from web.local.world import World

KEY_PROPERTY = "sop_engine_key"
MAPPED = {
    "status": "customer_status",
    "services": "our_services",
    "signed_seasons": "signed_seasons",
    "last_service_at": "last_service_date",
    "quoted_at": "quoted_at",
    "opted_out": "no_offers",
    "source": "lead_source",
    "notes": "office_notes",
    "key": KEY_PROPERTY,
}
SETTING = ",".join(f"{field}={name}" for field, name in MAPPED.items())
DATES = frozenset({"last_service_date"})
LISTS = frozenset({"our_services", "signed_seasons"})
PROPERTIES = {
    "contacts": {"firstname", "lastname", "email", "phone", "address", "city", *MAPPED.values()},
    "notes": {"hs_timestamp", "hs_note_body", KEY_PROPERTY},
}
READ_ONLY = frozenset({"hs_email_optout"})
UNIQUE = {"contacts": ("email", KEY_PROPERTY), "notes": (KEY_PROPERTY,)}


class Wrong(Exception):
    """A request that HubSpot answers with an error."""

    def __init__(self, status: int, category: str, code: str = "", name: str = "") -> None:
        super().__init__(category)
        self.status, self.category, self.code, self.name = status, category, code, name

    def response(self) -> Response:
        error: dict[str, Any] = {
            "status": "error",
            "message": "Nobody should read this: it may quote Anna Lindqvist",
            "correlationId": str(uuid.uuid4()),
            "category": self.category,
        }
        if self.code:
            context = {"propertyName": [self.name]}
            error["errors"] = [{"message": "…", "code": self.code, "context": context}]
        response = jsonify(error)
        response.status_code = self.status
        return response


def absent() -> Wrong:
    return Wrong(404, "OBJECT_NOT_FOUND")


def checked(objects: str, properties: Any) -> dict[str, str]:
    """The properties as they may be written; an empty string clears one."""
    if not isinstance(properties, dict):
        raise Wrong(400, "VALIDATION_ERROR")
    for name, value in properties.items():
        if name in READ_ONLY:
            raise Wrong(400, "VALIDATION_ERROR", "READ_ONLY_VALUE", name)
        if name not in PROPERTIES[objects]:
            raise Wrong(400, "VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST", name)
        if not isinstance(value, str):
            raise Wrong(400, "VALIDATION_ERROR", "INVALID_STRING", name)
    if "@" not in properties.get("email", "@"):
        raise Wrong(400, "VALIDATION_ERROR", "INVALID_EMAIL", "email")
    return properties | ({"email": properties["email"].lower()} if "email" in properties else {})


def all_of(objects: str) -> list[dict[str, Any]]:
    return request_world().all(f"hubspot_{objects}")


def get(objects: str, value: str, unique: str = "") -> dict[str, Any]:
    if not unique:
        found = request_world().get(f"hubspot_{objects}", value)
    else:
        if unique not in UNIQUE[objects]:
            raise Wrong(400, "VALIDATION_ERROR")
        same = (one for one in all_of(objects) if one["properties"].get(unique) == value)
        found = next(same, None)
    if found is None:
        raise absent()
    return found


def make(objects: str, properties: dict[str, str], **more: Any) -> dict[str, Any]:
    number = 5000 + request_world().next_number("hubspot")
    return write(objects, {"id": str(number), "properties": {}, "indexed": None} | more, properties)


def write(objects: str, one: dict[str, Any], properties: dict[str, str]) -> dict[str, Any]:
    """Change an object; search goes on seeing it as it was until the index has caught up."""
    for name in UNIQUE[objects]:
        for other in all_of(objects):
            same = properties.get(name) and other["properties"].get(name) == properties[name]
            if same and other["id"] != one["id"]:
                if name == "email":
                    raise Wrong(409, "CONFLICT")
                raise Wrong(400, "VALIDATION_ERROR", "CONFLICTING_UNIQUE_VALUE", name)
    settle(one)
    one["properties"] = one["properties"] | properties
    one["changed_at"] = time.time()
    request_world().put(f"hubspot_{objects}", one["id"], one)
    return one


def lag_search(world: World, seconds: float) -> None:
    """From now on search knows of a change so many seconds later."""
    world.put("hubspot_index", "lag", {"seconds": seconds})


def settle(one: dict[str, Any]) -> dict[str, str] | None:
    """What the index knows of an object by now; None where it has not heard of it."""
    lag = (request_world().get("hubspot_index", "lag") or {"seconds": 0.0})["seconds"]
    if "changed_at" in one and time.time() - one["changed_at"] >= lag:
        one["indexed"] = dict(one["properties"])
    return one["indexed"]


def shown(one: dict[str, Any], wanted: Any) -> dict[str, Any]:
    """An object as an answer: only what was asked for, and what is not set is null."""
    known = one["properties"]
    asked = wanted if wanted is not None else list(known)
    properties = {name: known.get(name) or None for name in asked}
    moment = datetime.now(UTC).isoformat()
    return {
        "id": one["id"],
        "properties": properties | {"hs_object_id": one["id"]},
        "createdAt": moment,
        "updatedAt": moment,
        "archived": False,
    }
