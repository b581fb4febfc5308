"""What the vendor's grammar takes: the stand-in refuses the same schemas, so that a
schema which would be a 400 in production is a 400 in every test.
"""

from __future__ import annotations

from typing import Any

KEYWORDS = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "format",
        "items",
        "properties",
        "required",
        "title",
        "type",
    }
)
MOST_OPTIONAL, MOST_UNIONS, DEEPEST = 24, 16, 12


def complaint(schema: Any) -> str:
    """What is wrong with a schema; empty where nothing is."""
    try:
        _check(schema)
    except ValueError as wrong:
        return str(wrong)
    return ""


def _check(schema: Any) -> None:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValueError("the root must be an object")
    counts = {"optional": 0, "unions": 0}
    _walk(schema, schema.get("$defs", {}), counts, 0)
    if counts["optional"] > MOST_OPTIONAL or counts["unions"] > MOST_UNIONS:
        raise ValueError("too many optional or union parameters")


def _walk(schema: Any, definitions: Any, counts: dict[str, int], depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("too deep, or recursive")
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in definitions:
            raise ValueError(f"$ref: no such definition: {name}")
        return _walk(definitions[name], definitions, counts, depth + 1)
    unknown = set(schema) - KEYWORDS
    if unknown:
        raise ValueError(f"not supported: {', '.join(sorted(unknown))}")
    inner: list[Any] = list(schema.get("anyOf", []))
    counts["unions"] += bool(inner)
    if schema.get("type") == "object":
        inner += _properties(schema, counts)
    if schema.get("type") == "array":
        inner.append(schema.get("items", {}))
    for one in inner:
        _walk(one, definitions, counts, depth + 1)
    return None


def _properties(schema: dict[str, Any], counts: dict[str, int]) -> list[Any]:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if schema.get("additionalProperties") is not False:
        raise ValueError("additionalProperties must be false")
    if not set(required) <= set(properties):
        raise ValueError("required names what is not a property")
    counts["optional"] += len(properties) - len(required)
    return list(properties.values())
