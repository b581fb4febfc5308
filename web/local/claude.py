"""The stand-in for the Claude Messages API: POST /claude/v1/messages, as the SDK speaks it.

It refuses what the API refuses (no key, sampling parameters, prefill, tools, a schema
outside the grammar), counts tokens by length, remembers cached prefixes, and answers by
the plain rules of `claude_rules.py`. It is a stand-in and never says that it is a model.
Tests may put words into its mouth with `script`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from web.local import request_world
from web.local.claude_rules import answer
from web.local.claude_schema import complaint
from web.local.world import World

blueprint = Blueprint("claude", __name__, url_prefix="/claude")

CACHE_MINIMUM = 512
CACHE_SECONDS = 300
FAMILIES = ("haiku", "sonnet", "opus")
SAMPLING = ("temperature", "top_p", "top_k")
_taking = threading.Lock()


def script(
    world: World,
    *,
    match: str = "",
    model: str = "",
    text: str | None = None,
    object: dict[str, Any] | None = None,
    stop_reason: str = "end_turn",
    times: int = 1,
) -> None:
    """Order the next `times` replies to prompts that contain `match`, from models whose id
    contains `model`: `text` as it is, or `object` laid over what the rules would say."""
    key = uuid.uuid4().hex
    order = {
        "key": key,
        "match": match,
        "model": model,
        "text": text,
        "object": object,
        "stop_reason": stop_reason,
        "times": times,
    }
    world.put("claude_script", key, order)


@blueprint.post("/v1/messages")
def messages() -> Response:
    body: dict[str, Any] = request.get_json(force=True, silent=True) or {}
    try:
        _check(body)
    except Invalid as wrong:
        return _error(wrong)
    time.sleep(current_app.config.get("CLAUDE_LATENCY_SECONDS", 0.0))

    world = request_world()
    asked = Asked(
        model=body["model"],
        system=_text(body.get("system", "")),
        user=_text(body["messages"][-1]["content"]),
        schema=body.get("output_config", {}).get("format", {}).get("schema"),
        cacheable=_cacheable(body.get("system")),
    )
    text, stop = _reply(asked, _ordered(world, asked))
    if tokens(text) > body["max_tokens"]:
        text, stop = text[: body["max_tokens"] * 4], "max_tokens"
    return _message(asked.model, text, stop, _usage(world, asked, text))


def tokens(text: str) -> int:
    """An estimate: four characters a token."""
    return (len(text) + 3) // 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as the answer depends on it."""

    model: str
    system: str
    user: str
    schema: dict[str, Any] | None
    cacheable: bool


def _reply(asked: Asked, ordered: dict[str, Any] | None) -> tuple[str, str]:
    if ordered is not None and ordered["text"] is not None:
        return ordered["text"], ordered["stop_reason"]
    if asked.schema is None:
        return "This is a stand-in; it fills schemas and does not chat.", "end_turn"
    found = answer(asked.system, asked.user, asked.schema, asked.model)
    if ordered is not None:
        return json.dumps(found | (ordered["object"] or {})), ordered["stop_reason"]
    return json.dumps(found), "end_turn"


def _ordered(world: World, asked: Asked) -> dict[str, Any] | None:
    """Take the oldest order that fits, once."""
    prompt = f"{asked.system}\n{asked.user}"
    with _taking:
        for order in world.all("claude_script"):
            if order["times"] > 0 and order["match"] in prompt and order["model"] in asked.model:
                world.put("claude_script", order["key"], order | {"times": order["times"] - 1})
                return order
    return None


# -- what the API refuses ---------------------------------------------------------


class Invalid(Exception):
    """What the API would answer with a 4xx."""

    def __init__(self, message: str, status: int = 400, kind: str = "invalid_request_error"):
        super().__init__(message)
        self.status = status
        self.kind = kind


def _check(body: dict[str, Any]) -> None:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer").strip()
    if not (bearer or request.headers.get("x-api-key", "").strip()):
        raise Invalid("no key", 401, "authentication_error")
    if not request.headers.get("anthropic-version"):
        raise Invalid("anthropic-version: header is required")
    model = body.get("model")
    if not isinstance(model, str) or not any(family in model for family in FAMILIES):
        raise Invalid("model", 404, "not_found_error")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise Invalid("max_tokens: must be 1 or more")
    for name in (*SAMPLING, "tools", "tool_choice"):
        if name in body:
            raise Invalid(f"{name}: not accepted")
    turns = body.get("messages")
    if not isinstance(turns, list) or not turns or turns[-1].get("role") != "user":
        raise Invalid("messages: the last one must be the user's")
    wanted = body.get("output_config", {}).get("format")
    if wanted is not None:
        said = complaint(wanted.get("schema"))
        if wanted.get("type") != "json_schema" or said:
            raise Invalid(f"output_config.format: {said or 'type must be json_schema'}")


def _error(wrong: Invalid) -> Response:
    response = jsonify(type="error", error={"type": wrong.kind, "message": str(wrong)})
    response.status_code = wrong.status
    response.headers["request-id"] = f"req_local_{uuid.uuid4().hex[:16]}"
    return response


# -- what it costs ----------------------------------------------------------------


def _usage(world: World, asked: Asked, text: str) -> dict[str, Any]:
    prefix = tokens(asked.system)
    fresh = tokens(asked.user) + tokens(json.dumps(asked.schema or {}))
    written = read = 0
    if asked.cacheable and prefix >= CACHE_MINIMUM:
        # A changed schema changes the prefix too, as with the vendor.
        kept = json.dumps([asked.model, asked.system, asked.schema])
        read, written = (prefix, 0) if _remember(world, kept) else (0, prefix)
        prefix = 0
    return {
        "input_tokens": prefix + fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": tokens(text),
        "service_tier": "standard",
    }


def _cacheable(system: Any) -> bool:
    return isinstance(system, list) and any("cache_control" in block for block in system)


def _remember(world: World, prefix: str) -> bool:
    """True where this prefix was seen in the last five minutes."""
    key = hashlib.sha256(prefix.encode()).hexdigest()
    seen = world.get("claude_cache", key)
    world.put("claude_cache", key, {"at": time.time()})
    return seen is not None and time.time() - seen["at"] < CACHE_SECONDS


def _message(model: str, text: str, stop: str, usage: dict[str, Any]) -> Response:
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    if "opus" in model:  # thinking is always on there, and its block comes first
        content.insert(0, {"type": "thinking", "thinking": "", "signature": "local"})
    response = jsonify(
        id=f"msg_local_{uuid.uuid4().hex[:16]}",
        type="message",
        role="assistant",
        model=model,
        content=content,
        stop_reason=stop,
        stop_sequence=None,
        usage=usage,
    )
    response.headers["request-id"] = f"req_local_{uuid.uuid4().hex[:16]}"
    return response


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content if block.get("type") == "text")
