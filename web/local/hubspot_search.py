"""Search in the HubSpot stand-in: filters over an index that lags behind the records."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from web.local.hubspot_portal import DATES, LISTS, Wrong, all_of, settle, shown

PHONE = "hs_searchable_calculated_phone_number"
MOST_GROUPS, MOST_FILTERS, MOST_RESULTS, MOST_PER_PAGE = 5, 6, 10_000, 200


def search(asked: dict[str, Any]) -> dict[str, Any]:
    groups = asked.get("filterGroups") or []
    if len(groups) > MOST_GROUPS or any(len(g["filters"]) > MOST_FILTERS for g in groups):
        raise Wrong(400, "VALIDATION_ERROR")
    limit, after = int(asked.get("limit", 10)), int(asked.get("after") or 0)
    if not 1 <= limit <= MOST_PER_PAGE or after + limit > MOST_RESULTS:
        raise Wrong(400, "VALIDATION_ERROR")
    found = []
    for one in all_of("contacts"):
        indexed = settle(one)
        if indexed is not None and _fits(groups, indexed):
            found.append(one | {"properties": indexed})
    found.sort(key=lambda one: int(one["id"]))
    page = [shown(one, asked.get("properties")) for one in found[after : after + limit]]
    answer: dict[str, Any] = {"total": len(found), "results": page}
    if after + limit < len(found):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return answer


def _fits(groups: list[dict[str, Any]], properties: dict[str, str]) -> bool:
    return not groups or any(
        all(_holds(one, properties) for one in group["filters"]) for group in groups
    )


def _holds(wanted: dict[str, Any], properties: dict[str, str]) -> bool:
    name = wanted["propertyName"]
    value = _digits(properties) if name == PHONE else properties.get(name) or ""
    parts = set(value.split(";")) if name in LISTS else {value}
    match wanted["operator"]:
        case "EQ":
            return value.casefold() == wanted["value"].casefold() != ""
        case "LT":
            return bool(value) and _number(name, value) < float(wanted["value"])
        case "IN":
            return bool(value) and bool(parts & set(wanted["values"]))
        case "NOT_IN":
            # Who has no value at all is not found.
            return bool(value) and not parts & set(wanted["values"])
        case "NOT_HAS_PROPERTY":
            return not value
        case "CONTAINS_TOKEN":
            pattern = re.escape(wanted["value"]).replace(r"\*", ".*")
            return re.fullmatch(pattern, value) is not None
    raise Wrong(400, "VALIDATION_ERROR")


def _number(name: str, value: str) -> float:
    if name in DATES:
        return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * 1000
    return float(value)


def _digits(properties: dict[str, str]) -> str:
    return re.sub(r"\D", "", properties.get("phone") or "")[-10:]
