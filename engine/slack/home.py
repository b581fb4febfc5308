"""The app's home tab: the inbox of open questions, oldest deadline first.

Published whole from the database, so that it is right again after any message was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.batch_standing import Standing
from engine.slack import Block, elements
from engine.slack.batch_card import buttons, title
from engine.slack.card_foot import ANSWER
from engine.slack.review_modal import SHOW
from engine.slack.text import escape, link, moment, one_line

# Four blocks for a batch and three for a question, and a view holds a hundred.
BATCHES_SHOWN = 5
SHOWN = 24


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One line of the inbox. `token` is what its button looks at, `url` the task's page."""

    title: str
    why: str
    task_number: int
    url: str
    deadline: datetime | None = None
    editing_by: str = ""
    token: str = ""


def closed_view(said: str) -> dict[str, Any]:
    """What somebody sees who may not see the inbox."""
    return {"type": "home", "blocks": [elements.section(escape(said))]}


def home_view(
    open_questions: Sequence[OpenQuestion],
    batches: Sequence[Standing] = (),
    *,
    inbox_url: str = "",
    undo_seconds: int = 0,
) -> dict[str, Any]:
    """Batches first, and each in the order given."""
    count = len(open_questions) + len(batches)
    title = "Nothing is waiting for you" if not count else f"Waiting for you: {count}"
    blocks: list[Block] = [elements.header(title)]
    if not count:
        blocks.append(elements.context("New questions come to their channels and stand here."))
    for standing in batches[:BATCHES_SHOWN]:
        blocks += [{"type": "divider"}, *_batch(standing, undo_seconds)]
    for question in open_questions[:SHOWN]:
        blocks += [{"type": "divider"}, *_question(question)]
    left = count - min(len(batches), BATCHES_SHOWN) - min(len(open_questions), SHOWN)
    if left:
        blocks.append(elements.context(f"{left} more."))
    if inbox_url:
        blocks.append(elements.context(link(inbox_url, "Open the inbox on the web")))
    return {"type": "home", "blocks": blocks}


def _batch(standing: Standing, undo_seconds: int) -> list[Block]:
    """A campaign's drafts, with what can be done on their card."""
    apart = len(standing.apart) if standing.together else 0
    lines = [f"*{escape(title(standing))}*", escape(one_line(standing.title), 300)]
    if standing.batch.posted_at is None:
        lines.append("More are coming.")
    elif apart:
        lines.append(f"{apart} of them to be looked at one by one.")
    return [elements.section("\n".join(lines)), *buttons(standing, undo_seconds)]


def _question(question: OpenQuestion) -> list[Block]:
    why = escape(one_line(question.why), 500)
    notes = [f"Task {question.task_number}"]
    if question.deadline:
        notes.insert(0, f"answer by {moment(question.deadline)}")
    if question.editing_by:
        notes.append(f"{escape(one_line(question.editing_by), 80)} is editing")
    lead = f"*{link(question.url, question.title or 'Question')}*"
    line = elements.section(f"{lead}\n{why}" if why else lead)
    if question.token:
        value = f"{SHOW}{question.token.partition('.')[0]}"
        line["accessory"] = elements.button("Answer", f"{ANSWER}:{value}", question.token)
    return [line, elements.context(" · ".join(notes))]
