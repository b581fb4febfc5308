"""A campaign's drafts on one card: how many, a sample, and those that stand out.

Drawn whole from how the batch stands, whatever its size: five hundred drafts make the same
few blocks as five. Its buttons name the batch, never a draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.batch_outliers import WORDS, refusal_of
from engine.batch_standing import VERDICTS, Standing
from engine.batches import Draft
from engine.slack import Block, elements
from engine.slack.card_foot import ANSWER
from engine.slack.review_modal import SHOW, STRIKE
from engine.slack.text import clock, escape, link, moment, one_line

BATCH = "batch:"
SAMPLE_LENGTH = 1800
NAMES_SHOWN = 12
APART_SHOWN = 8


def token_of(batch_id: object) -> str:
    return f"{BATCH}{batch_id}"


def batch_in(token: str) -> str | None:
    """The batch that a button names, or None where the token is a question's."""
    return token.removeprefix(BATCH) if token.startswith(BATCH) else None


def batch_card(standing: Standing, *, url: str, undo_seconds: int) -> tuple[str, list[Block]]:
    """The notification's text, and the card."""
    head = title(standing)
    if standing.erased:
        said = "🧹 The customers' data in this card has been erased."
        return head, [elements.header(head), elements.section(said)]
    blocks = [elements.header(head), elements.context(_why(standing))]
    if standing.waiting:
        blocks.append(elements.section(_summary(standing)))
        blocks += _sample(standing.together)
        blocks += _apart(standing.apart, url)
    blocks += _foot(standing)
    blocks += buttons(standing, undo_seconds)
    blocks.append(elements.context(link(url, "All drafts on one page")))
    return escape(f"{head}: {standing.title}", 300), blocks


def title(standing: Standing) -> str:
    """How it stands, in a few words."""
    if standing.erased or standing.over:
        return f"{len(standing.drafts)} drafts: answered"
    if not standing.waiting:
        return f"{standing.sending} mails are about to go out"
    return f"{standing.waiting} {'draft waits' if standing.waiting == 1 else 'drafts wait'} for you"


def _why(standing: Standing) -> str:
    parts = [standing.title, standing.trigger]
    return "*Batch* · " + " · ".join(escape(one_line(part), 300) for part in parts if part)


def _summary(standing: Standing) -> str:
    together, apart = len(standing.together), len(standing.apart)
    lines = []
    if together:
        lines.append(f"*{together}* can be approved together: {_names(standing.together)}")
    if apart:
        lines.append(f"*{apart}* to be looked at one by one, below.")
    return "\n".join(lines)


def _names(drafts: Sequence[Draft]) -> str:
    shown = ", ".join(escape(name_of(draft), 60) for draft in drafts[:NAMES_SHOWN])
    left = len(drafts) - NAMES_SHOWN
    return f"{shown} and {left} more" if left > 0 else shown


def name_of(draft: Draft) -> str:
    mail = (draft.question or {}).get("mail") or {}
    name = str(mail.get("to_name") or mail.get("to") or draft.customer)
    return one_line(name) or f"task {draft.number}"


def _sample(together: Sequence[Draft]) -> list[Block]:
    """One of those that are approved together, whole: what most of them look like."""
    if not together:
        return []
    mail: Mapping[str, Any] = (together[0].question or {}).get("mail") or {}
    heads = [
        ("From", one_line(str(mail.get("from") or ""))),
        ("To", f"{one_line(str(mail.get('to_name') or ''))} <{mail.get('to')}>"),
        ("Subject", one_line(str(mail.get("subject") or ""))),
    ]
    return [
        {"type": "divider"},
        elements.context(f"*A sample*, 1 of {len(together)}"),
        *elements.pairs(heads, 300),
        elements.words(str(mail.get("body") or "–"), SAMPLE_LENGTH),
        elements.small_words(str(mail.get("footer") or "–"), 900),
        {"type": "divider"},
    ]


def _apart(apart: Sequence[Draft], url: str) -> list[Block]:
    if not apart:
        return []
    blocks = [elements.section("*To be looked at*"), *map(_line_apart, apart[:APART_SHOWN])]
    if len(apart) > APART_SHOWN:
        blocks.append(elements.context(link(url, f"{len(apart) - APART_SHOWN} more")))
    return blocks


def _line_apart(draft: Draft) -> Block:
    """With a button that strikes it out; to be sent it wants to be looked at."""
    line = elements.section(f"*{escape(name_of(draft), 80)}*: {why_apart(draft)}")
    if refusal_of(draft.question or {}) is None:
        return line
    button = elements.button("Strike out", f"{ANSWER}:{STRIKE}", draft.current_token)
    return line | {"accessory": button}


def why_apart(draft: Draft) -> str:
    words = [WORDS.get(remark, remark) for remark in draft.remarks]
    if draft.state == "editing":
        editor = str(((draft.question or {}).get("editing") or {}).get("name") or "somebody")
        words.append(f"{escape(one_line(editor), 80)} is editing it")
    return ", ".join(words) or "has changed"


def _foot(standing: Standing) -> list[Block]:
    lines = []
    if standing.leaves_at is not None:
        until = clock(standing.leaves_at, seconds=True)
        lines.append(f"⏳ *{standing.sending} go out* at {until}, one after the other.")
    counted = [f"{standing.decided[v]} {v}" for v in VERDICTS if standing.decided[v]]
    if counted:
        who = f" · {escape(one_line(standing.by), 80)}" if standing.by else ""
        when = f" · {moment(standing.at)}" if standing.at else ""
        mark = "☑️" if standing.over else "▫️"
        lines.append(f"{mark} *{', '.join(counted)}*{who}{when}")
    return [elements.section("\n".join(lines))] if lines else []


def buttons(standing: Standing, undo_seconds: int) -> list[Block]:
    """What can be done with all of it: on its card, and in the home tab."""
    token = token_of(standing.batch.id)
    shown: list[Block] = []
    if standing.together:
        n = len(standing.together)
        minutes = f" It can be taken back for {undo_seconds // 60} min." if undo_seconds else ""
        confirm = f"{n} mails go out, one after the other.{minutes}"
        label = f"Approve {'all' if not standing.apart else 'these'} {n}"
        shown.append(
            elements.button(label, f"{ANSWER}:approve_all", token, style="primary", confirm=confirm)
        )
    if standing.waiting:
        shown.append(elements.button("Review one by one", f"{ANSWER}:{SHOW}", token))
    if standing.can_be_taken_back:
        shown.append(elements.button("Undo", f"{ANSWER}:undo", token))
    return [elements.actions(token, shown)] if shown else []
