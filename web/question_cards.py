"""A question as the web shows it: the same card as in Slack, with the same answers.

Drawn from the stored question and its state, like Slack's card. What differs is only
what a page can do better: the whole text, and forms that stand open on the card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine import answers
from engine.attendance import Attendance
from engine.card_drawing import state_of
from engine.card_remarks import remarks
from engine.inbox import Waiting
from engine.questions import OPEN, Question, token_of
from engine.refusals import REASONS
from engine.runtime import Runtime
from engine.slack.blocks import KINDS
from engine.slack.card_state import (
    Answered,
    Cancelled,
    CardState,
    Editing,
    Erased,
    Expired,
    Held,
    Sent,
    Undo,
)
from engine.tasks import Task

FORMS = ("edit", "reply", "reason")


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer, and the key that presses it."""

    value: str
    label: str
    style: str
    confirm: str
    form: str
    key: str


@dataclass(frozen=True, slots=True)
class Blank:
    """A field of a form. `value` is what the person sees, byte for byte; `choices` are
    the only ones there are, where there are such; `wrong` says what does not fit."""

    key: str
    label: str
    value: str
    multiline: bool
    optional: bool
    kind: str
    choices: tuple[str, ...]
    wrong: str


@dataclass(frozen=True, slots=True)
class Card:
    id: str
    token: str
    task_number: int
    sop_name: str
    customer: str
    question: Question
    kind: str
    state: CardState
    answerable: bool
    choices: list[Choice]
    blanks: list[Blank]
    deadline: datetime | None
    seconds_left: float
    open_form: str = ""
    error: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def state_name(self) -> str:
        return type(self.state).__name__.lower()

    @property
    def outcome(self) -> str:
        """What has become of it, in a few words; empty while it is open."""
        match self.state:
            case Answered(by, _, what) | Sent(by, _, what) | Undo(by, _, _, what):
                return f"{by}: {what}"
            case Held(by, _, what, why):
                return f"{by}: {what}. Held back: {why}"
            case Expired():
                return "Expired: nobody answered in time"
            case Cancelled():
                return "Cancelled: nothing more happens here"
            case Erased():
                return "The customer’s data has been erased"
        return ""

    @property
    def editing_by(self) -> str:
        return self.state.by if isinstance(self.state, Editing) else ""

    @property
    def drafted(self) -> list[Blank]:
        """What a model has filled in, where there is no mail that shows it."""
        if self.question.get("mail"):
            return []
        return [b for b in self.blanks if b.key.startswith("draft_") and b.value.strip()]

    @property
    def reasons(self) -> list[str]:
        """Those for a refusal that a tap gives."""
        return list(REASONS.values())

    def columns(self) -> str:
        """Answers that only choose stand in a grid where there are many."""
        return "many" if len(self.choices) > 3 else "few"


def card(
    runtime: Runtime,
    here: Attendance,
    waiting: Waiting,
    now: datetime,
    *,
    open_form: str = "",
    error: str = "",
    typed: Mapping[str, str] | None = None,
) -> Card:
    task = waiting.task
    question = remarks(runtime, here, waiting.question, now).on(waiting.question)
    deadline = question.get("deadline")
    until = task.wake_at if question.get("state") == "undo" else None
    return Card(
        id=str(question.get("id", task.id)),
        token=token_of(question) if "token" in question else "",
        task_number=task.number,
        sop_name=waiting.sop_name,
        customer=waiting.customer,
        question=question,
        kind=KINDS.get(str(question.get("kind")), "Question"),
        state=state_of(runtime, task, question, now),
        answerable=_answerable(task, question),
        choices=choices(question.get("options") or []),
        blanks=_blanks(question, typed),
        deadline=datetime.fromisoformat(deadline) if deadline else None,
        seconds_left=max(0.0, (until - now).total_seconds()) if until else 0.0,
        open_form=open_form,
        error=error,
        typed=typed or {},
    )


def _answerable(task: Task, question: Question) -> bool:
    return task.status in ("waiting_on_human", "escalated") and question.get("state") in OPEN


def choices(options: Sequence[Mapping[str, Any]]) -> list[Choice]:
    """Each with its key: a agrees, e edits, r refuses; the rest go by number."""
    keys: dict[str, str] = {}
    for key, fits in (("a", _agrees), ("e", _edits), ("r", answers.refuses)):
        found = next((o["value"] for o in options if fits(o)), None)
        if found is not None:
            keys[found] = key
    return [
        Choice(
            value=option["value"],
            label=option["label"],
            style=option.get("style") or "",
            confirm=option.get("confirm") or "",
            form=option["form"] if option.get("form") in FORMS else "",
            key=keys.get(option["value"], str(number) if number < 10 else ""),
        )
        for number, option in enumerate(options, start=1)
    ]


def _agrees(option: Mapping[str, Any]) -> bool:
    return not option.get("form") and option.get("style") == "primary"


def _edits(option: Mapping[str, Any]) -> bool:
    return option.get("form") in ("edit", "reply")


def _blanks(question: Question, typed: Mapping[str, str] | None) -> list[Blank]:
    """As they stand, or as they were typed, with what is wrong with that."""
    fields = question.get("fields") or []
    wrong = answers.problems(question, typed) if typed and fields else {}
    blanks = []
    for given in fields:
        key, kind = given["key"], given.get("type", "text")
        value = str(typed[key] if typed and key in typed else given["value"])
        blanks.append(
            Blank(
                key=key,
                label=given["label"],
                value=value,
                # A single line would lose the line breaks of what it is given.
                multiline=bool(given["multiline"]) or "\n" in value,
                optional=bool(given["optional"]),
                kind="email" if key == answers.RECIPIENT else kind,
                choices=("yes", "no") if kind == "yes_no" else tuple(given.get("labels") or ()),
                wrong=wrong.get(key, ""),
            )
        )
    return blanks


def as_seen(text: str) -> str:
    """What a browser sends for a text area has other line ends than what it showed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
