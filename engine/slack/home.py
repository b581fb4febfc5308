"""The app's home tab: the inbox of open questions, oldest deadline first.

Published whole from the database, so that it is right again after any message was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.slack import Block, elements
from engine.slack.text import escape, link, moment, one_line

# Three blocks each, and a view holds a hundred.
SHOWN = 30


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One line of the inbox. `url` leads to the card in Slack, or to the web inbox."""

    title: str
    why: str
    task_number: int
    url: str
    deadline: datetime | None = None
    editing_by: str = ""


def home_view(open_questions: Sequence[OpenQuestion], *, inbox_url: str = "") -> dict[str, Any]:
    """In the order given."""
    count = len(open_questions)
    title = "Nothing is waiting for you" if not count else f"Waiting for you: {count}"
    blocks: list[Block] = [elements.header(title)]
    if not count:
        blocks.append(elements.context("New questions come to their channels and stand here."))
    for question in open_questions[:SHOWN]:
        blocks += [{"type": "divider"}, *_question(question)]
    if count > SHOWN:
        blocks.append(elements.context(f"{count - SHOWN} more."))
    if inbox_url:
        blocks.append(elements.context(link(inbox_url, "Open the inbox on the web")))
    return {"type": "home", "blocks": blocks}


def _question(question: OpenQuestion) -> list[Block]:
    why = escape(one_line(question.why), 500)
    notes = [f"Task {question.task_number}"]
    if question.deadline:
        notes.insert(0, f"answer by {moment(question.deadline)}")
    if question.editing_by:
        notes.append(f"{escape(one_line(question.editing_by), 80)} is editing")
    lead = f"*{link(question.url, question.title or 'Question')}*"
    return [
        elements.section(f"{lead}\n{why}" if why else lead),
        elements.context(" · ".join(notes)),
    ]
