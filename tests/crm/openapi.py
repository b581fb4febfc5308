"""Holding a response to `engine/crm/openapi.yaml`: the part of JSON schema that it uses."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[2] / "engine" / "crm" / "openapi.yaml"
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
FORMATS = {
    "date": date.fromisoformat,
    "date-time": lambda text: datetime.fromisoformat(text).utcoffset().total_seconds,
}
KNOWN = {
    "type", "enum", "pattern", "format", "required", "properties", "items", "description",
    "additionalProperties", "minimum", "maximum", "minLength", "maxLength", "default",
}  # fmt: skip


@cache
def document() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text("utf-8"))


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def operation(method: str, path: str) -> dict[str, Any]:
    """What the file says of a request; a KeyError where it does not know it."""
    for template, item in document()["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and ("{" not in template or path not in document()["paths"]):
            return {"parameters": item.get("parameters", []), **item[method.lower()]}
    raise KeyError(f"{method} {path}")


def response_schema(method: str, path: str, status: int) -> dict[str, Any]:
    """The schema of the answer to a request; a KeyError where the file does not know it."""
    responses = operation(method, path)["responses"]
    chosen = responses.get(str(status)) if status < 400 else responses["default"]
    if chosen is None:
        raise KeyError(f"{method} {path} does not answer {status}")
    return resolved(resolved(chosen)["content"]["application/json"]["schema"])


def complaints_about(request: Any, path: str, response: Any) -> list[str]:
    """What is wrong with a Flask request that was taken, and with its answer."""
    try:
        said = operation(request.method, path)
        schema = response_schema(request.method, path, response.status_code)
    except KeyError as error:
        return [f"the file does not know {error}"]
    wrong = complaints(schema, response.get_json(silent=True))
    if response.status_code >= 400:
        return wrong
    parameters = [resolved(one)["name"] for one in said["parameters"]]
    wrong += [f"{path}: {name} is no parameter" for name in request.args if name not in parameters]
    if "requestBody" in said:
        body = resolved(said["requestBody"])["content"]["application/json"]["schema"]
        wrong += complaints(body, request.get_json(silent=True), "sent")
        wrong += [] if request.headers.get("Idempotency-Key") else ["a write without a key"]
    return wrong


def complaints(schema: dict[str, Any], value: Any, at: str = "$") -> list[str]:
    """What is wrong with a value, one line each."""
    schema = resolved(schema)
    assert set(schema) <= KNOWN, f"{at}: this check does not know {set(schema) - KNOWN}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(kind, value) for kind in kinds):
        return [f"{at}: not of type {kinds}"]
    wrong = []
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: not in the enum")
    if isinstance(value, str):
        wrong += _text(schema, value, at)
    if isinstance(value, list):
        for number, item in enumerate(value):
            wrong += complaints(schema.get("items", {}), item, f"{at}[{number}]")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        wrong += [f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value]
        if schema.get("additionalProperties") is False:
            wrong += [f"{at}: has {name}" for name in value if name not in known]
        for name, inner in known.items():
            if name in value:
                wrong += complaints(inner, value[name], f"{at}.{name}")
    return wrong


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))


def _text(schema: dict[str, Any], value: str, at: str) -> list[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{at}: does not match the pattern"]
    try:
        FORMATS.get(schema.get("format", ""), str)(value)
    except (ValueError, AttributeError):
        return [f"{at}: not a {schema['format']}"]
    return []
