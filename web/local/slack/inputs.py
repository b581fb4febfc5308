"""The elements that a person can use, and what is sent for them."""

from __future__ import annotations

from typing import Any

Doc = dict[str, Any]


class NothingThere(Exception):
    """There is no such message, button or view to act on."""


def find_action(blocks: list[Doc], action_id: str, label: str, value: str) -> Doc:
    """The one action that would be sent for this element, or NothingThere."""
    for block in blocks:
        for element in [*(block.get("elements") or []), block.get("accessory") or {}]:
            action = _action(element, action_id, label, value)
            if action:
                return {"block_id": block.get("block_id", "")} | action
    raise NothingThere("element")


def _action(element: Doc, action_id: str, label: str, value: str) -> Doc | None:
    named = bool(action_id) and element.get("action_id") == action_id
    if element.get("type") == "button":
        text = element["text"]
        if not named and (not label or text["text"] != label):
            return None
        return {k: element[k] for k in ("type", "action_id", "text", "value") if k in element}
    if element.get("type") == "static_select":
        if action_id and not named:
            return None
        for option in element["options"]:
            if value in (option["value"], "") and label in (option["text"]["text"], ""):
                chosen = {k: element[k] for k in ("type", "action_id", "placeholder")}
                return chosen | {"selected_option": option} if value or label else None
    return None


def filled_in(blocks: list[Doc], values: dict[str, str]) -> tuple[Doc, dict[str, str]]:
    """The state of a modal's inputs, and what Slack itself would not let pass."""
    state: Doc = {}
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        block_id, element = block["block_id"], block["element"]
        key, initial = block_id.partition(":")[2], _initial(element)
        text = values.get(block_id, values.get(key, initial))
        if not text and not block.get("optional"):
            errors[block_id] = "Please complete this required field."
        if len(text) > element.get("max_length", 3000):
            errors[block_id] = f"Use at most {element.get('max_length', 3000)} characters."
        state[block_id] = {element.get("action_id", "input"): _entry(element, text)}
    return state, errors


def _initial(element: Doc) -> str:
    if element["type"] == "checkboxes":
        return "yes" if element.get("initial_options") else ""
    return str(element.get("initial_value") or "")


def _entry(element: Doc, text: str) -> Doc:
    """An input's state as Slack sends it; of a box or a row of choices, the option itself."""
    chosen = [o for o in element.get("options") or [] if text in (o["value"], o["text"]["text"])]
    if element["type"] == "checkboxes":
        return {"type": "checkboxes", "selected_options": chosen}
    if element["type"] == "radio_buttons":
        return {"type": "radio_buttons", "selected_option": chosen[0] if chosen else None}
    return {"type": element["type"], "value": text or None}
