"""Making what Slack shows equal to what our rows say.

Each card that is out of date is drawn anew and posted or changed. Posting is an effect
(found again by its metadata, never doubled); changing is repeatable, for it only makes
the message what it should be. While Slack is down the cards wait, in order, and the web
answers the same questions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from engine import (
    agents,
    answers,
    cards,
    effects,
    escalation,
    failpoints,
    failures,
    outages,
    questions,
    tasks,
)
from engine.cards import Card
from engine.effects import Owner, Settling, SlotTaken
from engine.errors import EngineError, InDoubt, RateLimited, RunLost, VendorError
from engine.executor import DATABASE_DOWN
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.slack import Block, Message, Posted
from engine.slack.blocks import notice, question_card
from engine.slack.card_state import (
    Answered,
    Cancelled,
    CardState,
    Editing,
    Erased,
    Expired,
    Open,
    Undo,
)
from engine.slack.posting import post_effect
from engine.tasks import Task

log = structlog.get_logger()
GIVE_UP_SECONDS = 3600.0


def show_due(runtime: Runtime, *, stopping: Callable[[], bool] = bool) -> int:
    """Bring every card up to date that can be; returns how many were tried. Once `stopping`
    is true no further one is begun."""
    tried = 0
    while True:
        until = time.monotonic() + runtime.settings.lease_seconds
        with runtime.database.transaction("take_cards") as conn:
            rows = cards.sql.take(conn, lease_seconds=runtime.settings.lease_seconds)
        due = sorted((Card(**row) for row in rows), key=lambda card: card.created_at)
        for n, card in enumerate(due):
            if stopping():
                _give_back(runtime, due[n:])
                return tried
            show(runtime, card, until=until)
            tried += 1
        if not due:
            return tried


def _give_back(runtime: Runtime, untouched: list[Card]) -> None:
    with runtime.database.statement("give_cards_back") as conn:
        cards.sql.give_back(conn, card_ids=[card.id for card in untouched])


def show(runtime: Runtime, card: Card, *, until: float) -> None:
    """Show one card. It is ours `until` then (of time.monotonic()); afterwards another
    worker may have it, and nothing is called any more."""

    def confirm() -> None:
        if time.monotonic() >= until:
            raise RunLost(f"card {card.id}")

    try:
        _shown(runtime, card, *_call(runtime, card, confirm))
    except RunLost:
        log.info("card_lost", card=str(card.id))
    except (SlotTaken, Settling) as wait:
        _postpone(runtime, card, wait.wait)
    except RateLimited as error:
        _postpone(runtime, card, error.retry_after)
    except VendorError as error:
        log.warning("card_not_shown", card=str(card.id), code=error.code, detail=error.detail)
        down = error.code in ("unreachable", "ambiguous")
        wait = outages.begin(runtime, "slack") if down else _patience(card)
        _postpone(runtime, card, wait)
    except InDoubt:
        # Whether the card stands in Slack cannot be told; the web has the question.
        _postpone(runtime, card, GIVE_UP_SECONDS)
    except EngineError as error:
        log.warning("card_not_drawn", card=str(card.id), code=error.code)
        _postpone(runtime, card, GIVE_UP_SECONDS)
    except DATABASE_DOWN:
        raise
    except Exception as error:
        # One that cannot be drawn holds no other one back.
        log.error("card_crashed", card=str(card.id), error=failures.place_of(error))
        _postpone(runtime, card, _patience(card))


def _call(runtime: Runtime, card: Card, confirm: Callable[[], None]) -> tuple[Posted, int]:
    """Post or change the message; where it stands, and which version it shows for certain."""
    message = _drawn(runtime, card)
    if card.ts is None:
        return _post(runtime, card, message, confirm)
    confirm()
    return _change(runtime, card, message), card.wanted


def _shown(runtime: Runtime, card: Card, posted: Posted, version: int) -> None:
    outages.over(runtime, "slack")
    with runtime.database.transaction("card_shown") as conn:
        cards.sql.shown(
            conn, card_id=card.id, version=version, channel=posted.channel, ts=posted.ts
        )
        if card.task_id is not None and _opens_thread(runtime, conn, card):
            tasks.sql.set_thread(conn, task_id=card.task_id, channel=posted.channel, ts=posted.ts)


def _opens_thread(runtime: Runtime, conn: Connection, card: Card) -> bool:
    """A task's thread stands in its agent's own channel: what was asked elsewhere (in
    #escalations) is no thread that later cards of that channel could be put into."""
    if card.kind != "question" or card.thread_ts is not None or card.task_id is None:
        return False
    agent = agents.get(conn, tasks.get(conn, card.task_id).agent_id)
    return card.channel == escalation.home(runtime, agent)


def _postpone(runtime: Runtime, card: Card, seconds: float) -> None:
    with runtime.database.statement("postpone_card") as conn:
        cards.sql.postpone(conn, card_id=card.id, seconds=max(0.2, seconds))


def _patience(card: Card) -> float:
    """What Slack refuses (a channel that is gone) is tried again, ever more rarely."""
    return min(5.0 * 2**card.tries, GIVE_UP_SECONDS)


def _post(
    runtime: Runtime, card: Card, message: Message, confirm: Callable[[], None]
) -> tuple[Posted, int]:
    """Post it, unless it was posted before: by a worker that died, say, at a time when there
    was something else to show. Then it is version 0, which is changed at once."""
    timeout = runtime.settings.slack_timeout_seconds
    effect = post_effect(runtime.slack, message, purpose="post", timeout=timeout)
    version = 0

    def call(key: str, timeout: float) -> effects.Result:
        nonlocal version
        version = card.wanted
        return effect.call(key, timeout)

    result = effects.perform(
        runtime.database,
        runtime.settings,
        Owner(key=f"card-{card.id}", task_id=card.task_id, confirm=confirm),
        replace(effect, call=call),
        timeout=timeout,
    )
    return Posted(result["channel"], result["ts"]), version


def _change(runtime: Runtime, card: Card, message: Message) -> Posted:
    posted = Posted(card.posted_channel or card.channel, card.ts or "")
    failpoints.reach("call:slack:update:before")
    runtime.slack.update(posted, message, timeout=runtime.settings.slack_timeout_seconds)
    failpoints.reach("call:slack:update:after")
    return posted


# -- drawing --------------------------------------------------------------------------


def _drawn(runtime: Runtime, card: Card) -> Message:
    if card.kind == "alarm":
        text, blocks = _alarm(runtime, card)
        return Message(card.channel, text, blocks, username="Engine", icon_emoji=":rotating_light:")
    with runtime.database.read() as conn:
        task = tasks.get(conn, card.task_id)  # type: ignore[arg-type]
        now = tasks.now(conn)
    question = questions.find(task.question, str(card.id)) or {"agent": {}}
    text, blocks = question_card(
        question,
        token=questions.token_of(question) if "token" in question else str(card.id),
        state=state_of(runtime, task, question, now),
        task_number=task.number,
        task_url=task_url(runtime, task.number),
        revision=card.wanted,
    )
    agent = question["agent"]
    return Message(
        card.channel,
        text,
        blocks,
        thread_ts=card.thread_ts,
        broadcast=card.thread_ts is not None,
        username=agent.get("name"),
        icon_emoji=agent.get("icon"),
    )


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
        case "undo" if task.wake_at is not None and task.status == "waiting_on_timer":
            seconds = runtime.settings.undo_seconds
            state = Undo(given["by"]["name"], task.wake_at, seconds, given["label"])
        case "answered" | "undo":
            at = datetime.fromisoformat(given["at"])
            state = Answered(given["by"]["name"], at, _what(given))
        case "expired":
            state = Expired(now)
        case "cancelled":
            state = Cancelled(task.finished_at or now)
        case _:
            state = Open()
    return state


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
