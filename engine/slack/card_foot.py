"""The foot of a card: what has become of the question, and the buttons that are left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.slack import Block, elements
from engine.slack.card_state import (
    Answered,
    Cancelled,
    CardState,
    Editing,
    Erased,
    Expired,
    Held,
    Open,
    Sent,
    Undo,
)
from engine.slack.text import clock, escape, link, moment, one_line, plain_moment, units

BUTTONS = 3
ANSWER = "answer"
NO_WAY_BACK = "This cannot be taken back."


def headline(state: CardState) -> str:  # noqa: PLR0911 - one for each state
    """What a notification says before the title."""
    match state:
        case Open():
            return ""
        case Editing(by):
            return f"{one_line(by)} is editing: "
        case Undo(by, sends=True):
            return f"About to go out ({one_line(by)}): "
        case Undo(by):
            return f"Answered by {one_line(by)}: "
        case Answered(by, at) | Sent(by, at) | Held(by, at):
            return f"Answered by {one_line(by)} {plain_moment(at)}: "
        case Expired():
            return "Expired: "
        case Cancelled():
            return "Cancelled: "
        case Erased():
            return "Erased: "


def foot(state: CardState) -> list[Block]:
    line = _line(state)
    return [elements.section(line)] if line else []


def _line(state: CardState) -> str:  # noqa: PLR0911 - one for each state
    match state:
        case Open():
            return ""
        case Editing(by, since):
            return f"✏️ *{_name(by)}* is editing this since {clock(since)}."
        case Undo(by, until, seconds, what, sends):
            at = clock(until, seconds=True)
            when = f"*sending in {seconds} s*, at {at}" if sends else f"can be undone until {at}"
            return f"⏳ {_name(by)}: {_words(what)} · {when}"
        case Answered(by, at, what):
            return f"☑️ *{_words(what)}* · {_name(by)} · {moment(at)}"
        case Sent(by, at, what):
            return f"✅ *{_words(what)}* · {_name(by)} · {moment(at)}"
        case Held(by, at, what, why, until):
            goes = f"It goes out {moment(until)}." if until else "It goes on when that is lifted."
            held = f"⏸ *Held back*: {_words(why)}. {goes}"
            return f"☑️ *{_words(what)}* · {_name(by)} · {moment(at)}\n{held}"
        case Expired(at):
            return f"⌛ *Expired* {moment(at)}: nobody answered in time."
        case Cancelled(at, by):
            who = f" by {_name(by)}" if by else ""
            return f"🚫 *Cancelled*{who} {moment(at)}: nothing more happens here."
        case Erased():
            return "🧹 The customer's data in this card has been erased."


def block_id(token: str, revision: int) -> str:
    """Another one at each redraw. A select keeps what was chosen in it while its block
    stays the same, and choosing that again tells nobody: who put a form away could
    never open it a second time."""
    return f"{token}~{revision}"


def token_in(block_id: str) -> str:
    return block_id.rpartition("~")[0] or block_id


def buttons(
    question: Mapping[str, Any],
    token: str,
    state: CardState,
    room: int,
    url: str,
    *,
    revision: int,
) -> list[Block]:
    """The answers that can be given now: buttons, or a select where there are many."""
    block = block_id(token, revision)
    if isinstance(state, Undo):
        return [elements.actions(block, [elements.button("Undo", f"{ANSWER}:undo", token)])]
    if not isinstance(state, Open | Editing):
        return []
    options = _drawable(question.get("options") or [])
    shown = options[:room]
    blocks: list[Block] = []
    if 0 < len(options) <= BUTTONS:
        blocks.append(elements.actions(block, [_button(option, token) for option in shown]))
    elif shown:
        blocks.append(elements.actions(block, [_select(shown)]))
    if len(shown) < len(question.get("options") or []) or not shown:
        blocks.append(elements.context(link(url, "Answer on the task's page")))
    return blocks


def _drawable(options: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose value Slack can carry, each value once: ids in a block are unique."""
    fit = {
        str(option.get("value")): option
        for option in reversed(options)
        if 0 < units(str(option.get("value") or "")) <= elements.OPTION_LENGTH
    }
    return list(reversed(fit.values()))


def _button(option: Mapping[str, Any], token: str) -> Block:
    style, confirm = option.get("style"), option.get("confirm")
    if style == "danger" and not option.get("form"):
        confirm = confirm or NO_WAY_BACK
    value = str(option["value"])
    label = str(option.get("label") or value)
    return elements.button(label, f"{ANSWER}:{value}", token, style=style, confirm=confirm)


def _select(options: list[Mapping[str, Any]]) -> Block:
    """Slack asks one confirmation for a whole select, so it is asked where any needs it."""
    asks = any(option.get("confirm") or option.get("style") == "danger" for option in options)
    choices = [(str(o["value"]), str(o.get("label") or o["value"])) for o in options]
    return elements.select(
        "Choose an answer", ANSWER, choices, confirm="Give this answer?" if asks else None
    )


def _name(by: str) -> str:
    return escape(one_line(by), 80)


def _words(what: str) -> str:
    return escape(one_line(what), 400)
