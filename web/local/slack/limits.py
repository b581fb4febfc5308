"""Slack's measure of blocks and views: what it would refuse, said as it says it.

Written apart from `engine/slack`, from Slack's reference, so that the one can catch the
other out. The SDK's own limits agree with it, and a test holds them together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

Found = Iterator[str]
Part = dict[str, Any]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
# Nowhere documented; measured by others near 13,200.
MESSAGE_SIZE = 13_200
RICH_TEXT = ("rich_text_section", "rich_text_preformatted", "rich_text_quote")


def of_message(blocks: object) -> list[str]:
    return list(_blocks(blocks, MESSAGE_BLOCKS, views=False))


def too_long_together(blocks: object) -> bool:
    return len(json.dumps(blocks, ensure_ascii=False)) > MESSAGE_SIZE


def of_view(view: object) -> list[str]:
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        return ["must be a modal or a home view [json-pointer:/view/type]"]
    found = list(_blocks(view.get("blocks"), VIEW_BLOCKS, views=True))
    found += _long(view, "private_metadata", 3000, "/view")
    found += _long(view, "callback_id", 255, "/view")
    if view["type"] == "home":
        return found
    found += _text(view.get("title"), 24, "/view/title", kinds=("plain_text",))
    for name in ("submit", "close"):
        if name in view:
            found += _text(view[name], 24, f"/view/{name}", kinds=("plain_text",))
    inputs = any(block.get("type") == "input" for block in view.get("blocks") or [])
    if inputs and "submit" not in view:
        found.append("missing required field: submit [json-pointer:/view]")
    return found


def _blocks(blocks: object, most: int, *, views: bool) -> Found:
    if not isinstance(blocks, list):
        yield "must be an array [json-pointer:/blocks]"
        return
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:/blocks]"
    ids: set[str] = set()
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        check = CHECKS.get(str(kind))
        if check is None or (kind == "input" and not views):
            yield f"unsupported type: {kind} [json-pointer:{at}]"
            continue
        yield from _long(block, "block_id", 255, at)
        if block.get("block_id") in ids:
            yield f"block_id already exists [json-pointer:{at}/block_id]"
        ids.add(block.get("block_id") or at)
        yield from check(block, at)


def _section(block: Part, at: str) -> Found:
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text or fields [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], 3000, f"{at}/text")
    if "fields" in block:
        yield from _count(block["fields"], 10, f"{at}/fields")
        for number, text in enumerate(block["fields"]):
            yield from _text(text, 2000, f"{at}/fields/{number}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _header(block: Part, at: str) -> Found:
    yield from _text(block.get("text"), 150, f"{at}/text", kinds=("plain_text",))


def _context(block: Part, at: str) -> Found:
    yield from _count(block.get("elements"), 10, f"{at}/elements")
    for number, text in enumerate(block.get("elements") or []):
        yield from _text(text, 3000, f"{at}/elements/{number}")


def _rich_text(block: Part, at: str) -> Found:
    yield from _count(block.get("elements"), 1000, f"{at}/elements")
    for number, line in enumerate(block.get("elements") or []):
        here = f"{at}/elements/{number}"
        if line.get("type") not in RICH_TEXT:
            yield f"unsupported type: {line.get('type')} [json-pointer:{here}]"
        yield from _count(line.get("elements"), 1000, f"{here}/elements")
        for part in line.get("elements") or []:
            if part.get("type") != "text" or not part.get("text"):
                yield f"must be text of more than 0 characters [json-pointer:{here}/elements]"


def _actions(block: Part, at: str) -> Found:
    elements = block.get("elements")
    yield from _count(elements, 25, f"{at}/elements")
    seen: set[str] = set()
    for number, element in enumerate(elements or []):
        yield from _element(element, f"{at}/elements/{number}")
        action_id = element.get("action_id", f"#{number}")
        if action_id in seen:
            yield f"`action_id` already exists [json-pointer:{at}/elements/{number}/action_id]"
        seen.add(action_id)


def _input(block: Part, at: str) -> Found:
    yield from _text(block.get("label"), 2000, f"{at}/label", kinds=("plain_text",))
    if "hint" in block:
        yield from _text(block["hint"], 2000, f"{at}/hint", kinds=("plain_text",))
    yield from _element(block.get("element"), f"{at}/element")


def _element(element: object, at: str) -> Found:
    kind = element.get("type") if isinstance(element, dict) else None
    check = ELEMENTS.get(str(kind))
    if check is None or not isinstance(element, dict):
        yield f"unsupported type: {kind} [json-pointer:{at}]"
        return
    yield from _long(element, "action_id", 255, at)
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{at}/confirm")
    yield from check(element, at)


def _button(element: Part, at: str) -> Found:
    yield from _text(element.get("text"), 75, f"{at}/text", kinds=("plain_text",))
    yield from _long(element, "value", 2000, at)
    yield from _long(element, "url", 3000, at)
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"invalid style [json-pointer:{at}/style]"


def _select(element: Part, at: str) -> Found:
    if "placeholder" in element:
        yield from _text(element["placeholder"], 150, f"{at}/placeholder", kinds=("plain_text",))
    yield from _count(element.get("options"), 100, f"{at}/options")
    for number, option in enumerate(element.get("options") or []):
        here = f"{at}/options/{number}"
        yield from _text(option.get("text"), 75, f"{here}/text", kinds=("plain_text",))
        yield from _long(option, "value", 150, here, required=True)


def _choices(element: Part, at: str) -> Found:
    yield from _count(element.get("options"), 10, f"{at}/options")
    for number, option in enumerate(element.get("options") or []):
        here = f"{at}/options/{number}"
        yield from _text(option.get("text"), 75, f"{here}/text")
        yield from _long(option, "value", 150, here, required=True)
    for option in element.get("initial_options") or []:
        if option not in element["options"]:
            yield f"must be one of the options [json-pointer:{at}/initial_options]"


def _text_input(element: Part, at: str) -> Found:
    most = element.get("max_length", 3000)
    if not isinstance(most, int) or not 1 <= most <= 3000:
        yield f"must be between 1 and 3000 [json-pointer:{at}/max_length]"
    yield from _long(element, "initial_value", min(int(most), 3000), at)
    if "placeholder" in element:
        yield from _text(element["placeholder"], 150, f"{at}/placeholder", kinds=("plain_text",))


def _confirm(confirm: Part, at: str) -> Found:
    for name, most in (("title", 100), ("confirm", 30), ("deny", 30)):
        yield from _text(confirm.get(name), most, f"{at}/{name}", kinds=("plain_text",))
    yield from _text(confirm.get("text"), 300, f"{at}/text")


def _text(
    text: object, most: int, at: str, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
) -> Found:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)} [json-pointer:{at}/type]"
        return
    words = text.get("text")
    if not isinstance(words, str) or not words.strip():
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(words) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}/text]"
    misplaced = "verbatim" if text["type"] == "plain_text" else "emoji"
    if misplaced in text:
        yield f"invalid additional property: {misplaced} [json-pointer:{at}]"


def _long(part: Part, name: str, most: int, at: str, *, required: bool = False) -> Found:
    value = part.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or (not value and name != "private_metadata"):
        yield f"must be more than 0 characters [json-pointer:{at}/{name}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}/{name}]"


def _count(items: object, most: int, at: str) -> Found:
    if not isinstance(items, list) or not items:
        yield f"no fewer than 1 item required [json-pointer:{at}]"
    elif len(items) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"


def _nothing(_part: Part, _at: str) -> Found:
    return iter(())


CHECKS: dict[str, Callable[[Part, str], Found]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "divider": _nothing,
    "rich_text": _rich_text,
}
ELEMENTS: dict[str, Callable[[Part, str], Found]] = {
    "button": _button,
    "static_select": _select,
    "plain_text_input": _text_input,
    "radio_buttons": _choices,
    "checkboxes": _choices,
}
