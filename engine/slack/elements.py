"""The parts that cards, modals and the home tab are made of, each within Slack's limits.

Pure functions. A message over a limit is refused whole (`invalid_blocks`), so every part
cuts what it is given, and none raises for its content. `markup` is mrkdwn whose outside
pieces went through `text.escape`; everything else is taken as plain words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.slack import Block
from engine.slack.text import clip, mrkdwn, one_line, plain, units

MESSAGE_SIZE = 12_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
ID_LENGTH = 255
SECTION_TEXT = 3000
BUTTON_TEXT = 75
OPTION_LENGTH = 75
SELECT_OPTIONS = 100
INPUT_LENGTH = 3000


def header(words: str) -> Block:
    return {"type": "header", "text": plain(one_line(words), 150)}


def section(markup: str) -> Block:
    return {"type": "section", "text": mrkdwn(markup)}


def sections(markups: Iterable[str]) -> list[Block]:
    """Lines of markup, in as few sections as they fit into: no line is cut."""
    filled: list[str] = []
    for line in markups:
        if filled and units(f"{filled[-1]}\n{line}") <= SECTION_TEXT:
            filled[-1] += f"\n{line}"
        else:
            filled.append(line)
    return [section(markup) for markup in filled]


def words(text: str, limit: int = 3000) -> Block:
    """Text exactly as it was written: no markup, no emoji, no mention."""
    return {"type": "section", "text": plain(text, limit)}


def context(*markups: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(markup) for markup in markups[:10]]}


def small_words(text: str, limit: int = 3000) -> Block:
    return {"type": "context", "elements": [plain(text, limit)]}


def pairs(rows: Sequence[tuple[str, str]], limit: int = 500) -> list[Block]:
    """A label in bold and its value on each line. Rich text, because its words are never
    read as markup: what is copied from a card is what the field holds."""
    if not rows:
        return []
    parts: list[dict[str, Any]] = []
    for number, (label, value) in enumerate(rows):
        start = "\n" if number else ""
        shown = plain(value, limit)["text"]
        bold = f"{start}{clip(one_line(label) or '–', 75)}: "
        parts.append({"type": "text", "text": bold, "style": {"bold": True}})
        parts.append({"type": "text", "text": shown})
    lines = {"type": "rich_text_section", "elements": parts}
    return [{"type": "rich_text", "elements": [lines]}]


def quote(text: str, limit: int) -> Block:
    """Somebody else's words, set off by a bar, exactly as they were written."""
    part = {"type": "text", "text": plain(text, limit)["text"]}
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [part]}]}


def actions(block_id: str, parts: Sequence[Block]) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(parts)}


def button(
    label: str, action_id: str, value: str, *, style: str | None = None, confirm: str | None = None
) -> Block:
    made: Block = {
        "type": "button",
        "text": plain(one_line(label), BUTTON_TEXT),
        "action_id": action_id,
        "value": value,
    }
    if style in ("primary", "danger"):
        made["style"] = style
    if confirm:
        made["confirm"] = confirmation(label, confirm, danger=style == "danger")
    return made


def select(
    placeholder: str,
    action_id: str,
    options: Iterable[tuple[str, str]],
    *,
    confirm: str | None = None,
) -> Block:
    """`options` are (value, label) pairs."""
    made: Block = {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(one_line(placeholder), 150),
        "options": [
            {"text": plain(one_line(label), OPTION_LENGTH), "value": value}
            for value, label in options
        ][:SELECT_OPTIONS],
    }
    if confirm:
        made["confirm"] = confirmation("Answer", confirm)
    return made


def confirmation(yes: str, question: str, *, danger: bool = False) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "title": plain("Are you sure?", 100),
        "text": plain(question, 300),
        "confirm": plain(one_line(yes), 30),
        "deny": plain("Back", 30),
    }
    return asked | {"style": "danger"} if danger else asked


def text_input(
    block_id: str, label: str, *, value: str = "", multiline: bool = False, optional: bool = False
) -> Block:
    entry: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": "text",
        # A single line would lose the line breaks of what it is given.
        "multiline": multiline or "\n" in value,
        "max_length": INPUT_LENGTH,
    }
    if value:
        entry["initial_value"] = value
    return _input(block_id, label, entry, optional=optional)


def one_of(block_id: str, label: str, choices: Sequence[str]) -> Block:
    """Reasons to tap: at most one, and none is fine. The words are their own value."""
    options = [{"text": plain(one_line(c), OPTION_LENGTH), "value": c[:150]} for c in choices[:10]]
    entry = {"type": "radio_buttons", "action_id": "tap", "options": options}
    return _input(block_id, label, entry, optional=True)


def tick(block_id: str, label: str, *, ticked: bool) -> Block:
    """A box to tick. Slack takes no empty heading, so the label stands there and "yes" at
    the box."""
    option = {"text": plain("Yes", OPTION_LENGTH), "value": "yes"}
    entry: dict[str, Any] = {"type": "checkboxes", "action_id": "tick", "options": [option]}
    if ticked:
        entry["initial_options"] = [option]
    return _input(block_id, label, entry, optional=True)


def _input(block_id: str, label: str, entry: dict[str, Any], *, optional: bool) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(one_line(label), 150),
        "element": entry,
        "optional": optional,
    }


def fits_input(value: str) -> bool:
    return units(value) <= INPUT_LENGTH


def size(blocks: Sequence[Block]) -> int:
    """What Slack weighs when it says `msg_blocks_too_long`: the blocks as JSON, in bytes."""
    return len(json.dumps(blocks, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def fitting(draw: Callable[[int], list[Block]], shown: Sequence[int]) -> list[Block]:
    """The card with the first of these numbers of lines, from many to few, that fits into a
    message; with the last where none does."""
    blocks: list[Block] = []
    for number in shown:
        blocks = draw(number)
        if size(blocks) <= MESSAGE_SIZE:
            break
    return blocks
