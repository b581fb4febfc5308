"""Making what Slack shows equal to what our rows say.

Each card that is out of date is drawn anew and posted or changed. Posting is an effect
(found again by its metadata, never doubled); changing is repeatable, for it only makes
the message what it should be. While Slack is down the cards wait, in order, and the web
answers the same questions.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from engine import (
    agents,
    batch_posting,
    card_drawing,
    cards,
    effects,
    escalation,
    failpoints,
    failures,
    outages,
    tasks,
)
from engine.cards import Card
from engine.effects import Owner, Settling, SlotTaken
from engine.errors import (
    EngineError,
    InDoubt,
    RateLimited,
    Refused,
    RunLost,
    Unauthorised,
    VendorError,
)
from engine.gate import Later
from engine.postgres import DATABASE_DOWN, Connection
from engine.runtime import Runtime
from engine.slack import Message, Posted
from engine.slack.posting import post_effect

log = structlog.get_logger()
GIVE_UP_SECONDS = 3600.0
# Between the tries to write down what was shown: more of them than there are connections.
NAPS_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
# What Slack says of a channel that is gone, and of a message.
CHANNEL_GONE = frozenset({"channel_not_found", "is_archived", "not_in_channel"})
GONE = CHANNEL_GONE | {"message_not_found", "cant_update_message"}


def show_due(runtime: Runtime, *, stopping: Callable[[], bool] = bool) -> int:
    """Bring every card up to date that can be; returns how many were tried. Once `stopping`
    is true no further one is begun."""
    tried = 0
    while True:
        until = time.monotonic() + runtime.settings.lease_seconds
        with runtime.database.transaction("take_cards") as conn:
            rows = cards.sql.take(conn, lease_seconds=runtime.settings.lease_seconds)
        due = sorted((cards.of_row(row) for row in rows), key=lambda card: card.created_at)
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
        ids = [card.id for card in untouched]
        cards.sql.give_back(conn, card_ids=ids, held_until=untouched[0].held_until)


def show(runtime: Runtime, card: Card, *, until: float) -> None:
    """Show one card. It is ours `until` then (of time.monotonic()); afterwards another
    worker may have it, and nothing is called any more."""

    def confirm() -> None:
        if time.monotonic() >= until:
            raise RunLost(f"card {card.id}")

    try:
        _note(runtime, card, *_call(runtime, card, confirm))
    except RunLost:
        log.info("card_lost", card=str(card.id))
    except (Later, SlotTaken, Settling) as wait:
        _postpone(runtime, card, wait.wait)
    except RateLimited as error:
        _postpone(runtime, card, error.retry_after)
    except Refused as error:
        _refused(runtime, card, error)
    except VendorError:
        _postpone(runtime, card, outages.begin(runtime, "slack").wait)
    except InDoubt as error:
        # Whether the card stands in Slack cannot be told; the web has the question.
        _set_aside(runtime, card, GIVE_UP_SECONDS, error.code)
    except EngineError as error:
        log.warning("card_not_drawn", card=str(card.id), code=error.code)
        _set_aside(runtime, card, GIVE_UP_SECONDS, error.code)
    except DATABASE_DOWN:
        raise
    except Exception as error:
        # One that cannot be drawn holds no other one back.
        log.error("card_crashed", card=str(card.id), error=failures.place_of(error))
        _set_aside(runtime, card, _patience(card), type(error).__name__)


def _refused(runtime: Runtime, card: Card, error: Refused) -> None:
    """A channel that is gone may come back, so a post is tried again, ever more rarely. A
    message that is gone does not: there is nothing left to change."""
    log.warning("card_not_shown", card=str(card.id), code=error.code, detail=error.detail)
    if not card.unposted and error.detail in GONE:
        with runtime.database.statement("card_lost") as conn:
            cards.sql.lost(conn, card_id=card.id, error=error.detail, held_until=card.held_until)
    elif isinstance(error, Unauthorised):
        _postpone(runtime, card, _patience(card), error.detail)
    else:
        _set_aside(runtime, card, _patience(card), error.detail)


def _call(runtime: Runtime, card: Card, confirm: Callable[[], None]) -> tuple[Posted, int]:
    """Post or change the message; where it stands, and which version it shows for certain."""
    message = card_drawing.drawn(runtime, card)
    if card.unposted:
        _remove(runtime, card, confirm)
        return _post(runtime, card, message, confirm)
    confirm()
    return _change(runtime, card, message), card.wanted


def _remove(runtime: Runtime, card: Card, confirm: Callable[[], None]) -> None:
    """What is posted again must not stand there twice: the buttons of an older message, if
    it is still there after all, would never be taken away."""
    if card.ts is None:
        return
    confirm()
    posted = Posted(card.posted_channel or card.channel, card.ts)
    failpoints.reach("call:slack:delete:before")
    with contextlib.suppress(Refused):
        runtime.slack.delete(posted, timeout=runtime.settings.slack_timeout_seconds)
    failpoints.reach("call:slack:delete:after")


def _note(runtime: Runtime, card: Card, posted: Posted, version: int) -> None:
    """Write down what was shown, whatever becomes of the database meanwhile: a worker that
    was frozen with its call under way may have covered up what is newer, and nobody else
    would know that it must be shown once more."""
    for nap in NAPS_SECONDS:
        try:
            return _shown(runtime, card, posted, version)
        except DATABASE_DOWN:
            time.sleep(nap)
    return _shown(runtime, card, posted, version)


def _shown(runtime: Runtime, card: Card, posted: Posted, version: int) -> None:
    outages.over(runtime, "slack")
    with runtime.database.transaction("card_shown") as conn:
        cards.sql.shown(
            conn, card_id=card.id, version=version, channel=posted.channel, ts=posted.ts,
            generation=card.generation, held_until=card.held_until,
        )  # fmt: skip
        if card.kind == "batch":
            batch_posting.close_if_over(conn, card)
        if card.task_id is not None and _opens_thread(runtime, conn, card):
            tasks.sql.set_thread(conn, task_id=card.task_id, channel=posted.channel, ts=posted.ts)


def _opens_thread(runtime: Runtime, conn: Connection, card: Card) -> bool:
    """A task's thread stands in its agent's own channel: what was asked elsewhere (in
    #escalations) is no thread that later cards of that channel could be put into."""
    if card.kind != "question" or card.task_id is None:
        return False
    agent = agents.get(conn, tasks.get(conn, card.task_id).agent_id)
    return card.channel == escalation.home(runtime, agent)


def _postpone(
    runtime: Runtime, card: Card, seconds: float, error: str | None = None, *, aside: bool = False
) -> None:
    with runtime.database.statement("postpone_card") as conn:
        cards.sql.postpone(
            conn, card_id=card.id, seconds=max(0.2, seconds), error=error, set_aside=aside,
            held_until=card.held_until,
        )  # fmt: skip


def _set_aside(runtime: Runtime, card: Card, seconds: float, error: str) -> None:
    """It cannot be shown for a reason of its own: the others of its channel go on."""
    _postpone(runtime, card, seconds, error, aside=True)


def _patience(card: Card) -> float:
    """What Slack refuses (a channel that is gone) is tried again, ever more rarely."""
    return min(5.0 * 2**card.tries, GIVE_UP_SECONDS)


def _post(
    runtime: Runtime, card: Card, message: Message, confirm: Callable[[], None]
) -> tuple[Posted, int]:
    """Post it, unless it was posted before: by a worker that died, say, at a time when there
    was something else to show. Then it is version 0, which is changed at once."""
    timeout = runtime.settings.slack_timeout_seconds
    business = runtime.business if runtime.settings.calendar_is_kept else None
    effect = post_effect(runtime.slack, message, purpose="post", timeout=timeout, business=business)
    version = 0

    def call(key: str, timeout: float) -> effects.Result:
        nonlocal version
        version = card.wanted
        return effect.call(key, timeout)

    result = effects.perform(
        runtime.database,
        runtime.settings,
        Owner(key=_key(card), task_id=card.task_id, confirm=confirm),
        replace(effect, call=call),
        timeout=timeout,
    )
    return Posted(result["channel"], result["ts"]), version


def _key(card: Card) -> str:
    """Posting it again is an effect of its own."""
    return f"card-{card.id}" + (f"-{card.generation}" if card.generation else "")


def _change(runtime: Runtime, card: Card, message: Message) -> Posted:
    posted = Posted(card.posted_channel or card.channel, card.ts or "")
    failpoints.reach("call:slack:update:before")
    runtime.slack.update(posted, message, timeout=runtime.settings.slack_timeout_seconds)
    failpoints.reach("call:slack:update:after")
    return posted
