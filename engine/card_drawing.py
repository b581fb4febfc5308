"""What a card says: each kind drawn whole from our own rows, whenever it is posted or changed.

Called by `card_poster.py`. A redraw mends whatever a message shows, and nothing of its text
is stored anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine import (
    agents,
    answers,
    batch_posting,
    cards,
    daily_summary,
    handoffs,
    outlooks,
    questions,
    reminders,
    tasks,
)
from engine.attendance import attendance
from engine.card_remarks import remarks
from engine.cards import Card
from engine.escalation import home
from engine.holds import HOLDS
from engine.runtime import Runtime
from engine.slack import Block, Message
from engine.slack.blocks import notice, question_card
from engine.slack.card_state import (
    Answered,
    Cancelled,
    CardState,
    Editing,
    Erased,
    Expired,
    Held,
    Open,
    Undo,
)
from engine.slack.outlook_card import outlook_card
from engine.slack.reminder_card import reminder_card
from engine.slack.summary_card import summary_card
from engine.steps.still import WITHHELD
from engine.tasks import Task


def drawn(runtime: Runtime, card: Card) -> Message:
    """The message as it should stand there now."""
    if card.kind == "alarm":
        text, blocks = _alarm(runtime, card)
        return Message(card.channel, text, blocks, username="Engine", icon_emoji=":rotating_light:")
    return DRAWN.get(card.kind, _question)(runtime, card)


def _summary(runtime: Runtime, card: Card) -> Message:
    with runtime.database.read() as conn:
        day = daily_summary.read(conn, card)
    text, blocks = summary_card(day, url=runtime.settings.web_base_url.rstrip("/"))
    return Message(card.channel, text, blocks, username="Daily summary", icon_emoji=":ledger:")


def _outlook(runtime: Runtime, card: Card) -> Message:
    with runtime.database.read() as conn:
        seen = outlooks.read(conn, runtime.business, card)
    url = runtime.settings.web_base_url.rstrip("/")
    text, blocks = outlook_card(seen, zone=runtime.business.zone, url=url)
    return Message(card.channel, text, blocks, username="Outlook", icon_emoji=":calendar:")


def _erased_post(_runtime: Runtime, card: Card) -> Message:
    text, blocks = notice("🧹 The customer's data in this message has been erased.")
    return Message(card.channel, text, blocks)


def _reminder(runtime: Runtime, card: Card) -> Message:
    with runtime.database.read() as conn:
        lines = reminders.lines(conn, card)
    url = runtime.settings.web_base_url.rstrip("/")
    text, blocks = reminder_card(lines, zone=runtime.business.zone, url=url)
    return Message(card.channel, text, blocks, username="Engine", icon_emoji=":hourglass:")


def _question(runtime: Runtime, card: Card) -> Message:
    with runtime.database.read() as conn:
        task = tasks.get(conn, card.task_id)  # type: ignore[arg-type]
        at_home = card.channel == home(runtime, agents.get(conn, task.agent_id))
        now = tasks.now(conn)
        question = questions.find(task.question, str(card.id)) or {"agent": {}}
        besides = remarks(runtime, attendance(conn), question, now).counting(
            cards.followers(conn, card.id)
        )
        first = cards.get(conn, card.follows) if card.follows else None
    text, blocks = question_card(
        besides.on(question),
        token=questions.token_of(question) if "token" in question else str(card.id),
        state=state_of(runtime, task, question, now),
        task_number=task.number,
        task_url=task_url(runtime, task.number),
        revision=card.wanted,
        addressed=besides.addressed,
    )
    agent = question["agent"]
    thread = task.slack_thread_ts if at_home and task.slack_thread_ts != card.ts else None
    return Message(
        card.channel,
        text,
        blocks,
        thread_ts=first.ts if first is not None else thread,
        broadcast=first is None and thread is not None,
        username=agent.get("name"),
        icon_emoji=agent.get("icon"),
    )


# Answered, and nobody has gone on with it.
UNTAKEN = frozenset({"waiting_on_timer", "pending"})


def task_url(runtime: Runtime, number: int) -> str:
    return f"{runtime.settings.web_base_url.rstrip('/')}/tasks/{number}"


def state_of(runtime: Runtime, task: Task, question: dict[str, Any], now: datetime) -> CardState:
    """What has become of the question, in the card's words."""
    if task.erased_at is not None or "state" not in question:
        return Erased()
    given = question["answer"]
    state: CardState
    match question["state"]:
        case "editing":
            editing = question["editing"]
            state = Editing(editing["name"], datetime.fromisoformat(editing["at"]))
        case "undo" if task.wake_at is not None and task.status in UNTAKEN:
            seconds = questions.undo_seconds(runtime.settings, question)
            sends = not answers.refuses(answers.chosen(question, given["choice"]))
            state = Undo(given["by"]["name"], task.wake_at, seconds, _what(given), sends)
        case "answered" | "undo":
            at = datetime.fromisoformat(given["at"])
            state = Answered(given["by"]["name"], at, _what(given) + _withheld(task, question))
            if _is_held(task, question):
                until = task.wake_at if task.parked_for == "holiday" else None
                state = Held(state.by, at, state.what, HOLDS[str(task.parked_for)], until)
        case "expired":
            state = Expired(now)
        case "cancelled":
            state = Cancelled(task.finished_at or now)
        case _:
            state = Open()
    return state


def _is_held(task: Task, question: dict[str, Any]) -> bool:
    """Whether what was answered here is held back at the gate."""
    latest = task.question is not None and task.question["id"] == question["id"]
    return latest and task.status == "waiting_on_timer" and task.parked_for in HOLDS


def _withheld(task: Task, question: dict[str, Any]) -> str:
    """Why an approved mail has not been sent after all."""
    latest = task.question is not None and task.question["id"] == question["id"]
    why = task.context.get(WITHHELD) if latest and question.get("mail") else None
    return f". Not sent after all: {why}" if why else ""


def _what(given: dict[str, Any]) -> str:
    reason = given["fields"].get(answers.REASON)
    return f"{given['label']}: {reason}" if reason else given["label"]


def _alarm(runtime: Runtime, card: Card) -> tuple[str, list[Block]]:
    text = card.summary + (f" ({card.count} times)" if card.count > 1 else "")
    if card.closed_at is not None:
        text = f"Over: {text}"
    more = None
    if card.task_id is not None:
        with runtime.database.read() as conn:
            number = tasks.get(conn, card.task_id).number
        more = (task_url(runtime, number), f"Task {number}")
    return notice(text, more=more)


DRAWN: dict[str, Callable[[Runtime, Card], Message]] = {
    "batch": batch_posting.drawn,
    "handoff": handoffs.drawn,
    "summary": _summary,
    "outlook": _outlook,
    "reminder": _reminder,
    "post": _erased_post,
}
