"""A batch's drafts in a modal, one after another: for whom, what, and why it stands out.

Its buttons answer as those of a card do, by the draft's own token. Those that turn the page
name the batch, and the draft to be shown. Slack keeps nothing of it: each page is drawn
from how the batch stands when it is turned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.slack import Block, elements
from engine.slack.blocks import Room, content
from engine.slack.card_foot import ANSWER, buttons, foot
from engine.slack.card_state import CardState, Editing, Open
from engine.slack.modals import View, modal
from engine.slack.text import counted, escape, link, pieces

CALLBACK = "review"
# What no procedure calls an answer.
SHOW = "show:"
STRIKE = "strike:"
# A mail of any length that can be sent, in as many pieces as a modal may well have.
ROOM = Room(text=2900, facts=20, options=100, pieces=20)


@dataclass(frozen=True, slots=True)
class Page:
    """One draft of a batch, and where one can turn from it; or a question of its own, which
    stands among no `drafts`. `before` and `after` are the ids of its neighbours, empty at the
    ends; `settling`: an answer to it is under way."""

    question_id: str
    question: Mapping[str, Any]
    token: str
    state: CardState
    apart: str = ""
    strikes: bool = False
    place: int = 1
    drafts: int = 0
    waiting: int = 0
    before: str = ""
    after: str = ""
    said: str = ""
    settling: bool = False


def shown_in(value: str) -> str | None:
    """The draft that a button wants to see: empty for the first that waits, None where the
    button is another."""
    return value.removeprefix(SHOW) if value.startswith(SHOW) else None


def review_modal(page: Page, *, token: str, url: str) -> View:
    """`token` is what the buttons carry that turn the page, `url` the same on the web."""
    blocks = _said(page.said)
    if page.drafts:
        where = f"*{page.place} of {page.drafts}* · {_wait(page.waiting)}"
        blocks.append(elements.context(f"{where} · {link(url, 'all on one page')}"))
    if page.apart:
        blocks.append(elements.section(f"⚠️ *Stands out:* {page.apart}"))
    blocks += content(page.question, page.state, ROOM, url)
    blocks += [*_drafted(page), *foot(page.state)]
    if not page.settling:
        blocks += _answers(page, url)
    title = "Review" if page.drafts else "Answer"
    return modal(CALLBACK, "", title, [*blocks, *_turning(page, token)])


def through_modal(said: str, waiting: int, *, token: str, url: str) -> View:
    """After the last draft that waited."""
    blocks = [*_said(said), elements.section("*That was the last one to look at.*")]
    blocks.append(elements.context(f"{_wait(waiting)} · {link(url, 'all on one page')}"))
    again = elements.button("From the beginning", f"{ANSWER}:{SHOW}", token)
    return modal(CALLBACK, "", "Review", [*blocks, elements.actions("turn", [again])])


def _said(said: str) -> list[Block]:
    return [elements.section(escape(said, 500))] if said else []


def _wait(waiting: int) -> str:
    if not waiting:
        return "none waits any more"
    return f"{counted(waiting, 'draft')} {'waits' if waiting == 1 else 'wait'}"


def _drafted(page: Page) -> list[Block]:
    """What a model has written, where there is no mail that shows it."""
    blocks: list[Block] = []
    for field in () if page.question.get("mail") else page.question.get("fields") or ():
        value = str(field.get("value") or "")
        if str(field["key"]).startswith("draft_") and value.strip():
            blocks.append(elements.context(f"*{escape(str(field.get('label') or ''), 100)}*"))
            blocks += [elements.words(piece) for piece in pieces(value, ROOM.text)[: ROOM.pieces]]
    return blocks[: ROOM.pieces]


def _answers(page: Page, url: str) -> list[Block]:
    """Those of the draft's own card, and beside them the quick way to be rid of it."""
    shown = buttons(page.question, page.token, page.state, ROOM.options, url, revision=page.place)
    if not (page.strikes and isinstance(page.state, Open | Editing)):
        return shown
    strike = elements.button("Strike out", f"{ANSWER}:{STRIKE}", page.token, style="danger")
    if len(shown) == 1 and len(shown[0]["elements"]) > 1:
        shown[0]["elements"].append(strike)
        return shown
    return [*shown, elements.actions("strike", [strike])]


def _turning(page: Page, token: str) -> list[Block]:
    turns: Sequence[tuple[str, str]] = [
        ("◀ Previous", page.before),
        ("Look again", page.question_id if page.settling else ""),
        ("Next ▶", page.after),
    ]
    shown = [elements.button(label, f"{ANSWER}:{SHOW}{to}", token) for label, to in turns if to]
    return [elements.actions("turn", shown)] if shown else []
