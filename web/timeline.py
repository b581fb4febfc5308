"""A task's events as lines to read: a sentence, how loud it is, and the facts beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine import users
from engine.postgres import Connection
from engine.reasons import VENDORS, in_words
from engine.slack.blocks import KINDS
from web.wording import Tone, Weight, effect_words, purpose_of, wording

Event = Mapping[str, Any]

# Posting the card that asks is the asking's own business; the question is what counts.
QUIET_EFFECTS = frozenset({("slack", "post")})
STARTERS = {
    "shell": "the command line",
    "engine": "the engine",
    "lead_form": "the web form",
    "imap": "a mail to the office",
    "mail": "a mail to the office",
    "parent task": "its parent task",
    "mailbox": "a mail to the office",
    "unsubscribe": "the link in the mail",
}
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


@dataclass(frozen=True, slots=True)
class Line:
    seq: int
    at: datetime
    sentence: str
    weight: Weight
    tone: Tone
    facts: tuple[str, ...]
    tier: int | None
    model: str | None
    tokens: str
    cost_usd: Decimal | None
    confidence: float | None
    duration_ms: int | None
    reference: str


class Names:
    """Who stands behind the ids in the log. Users are few, so one read knows them all."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    @classmethod
    def read(cls, conn: Connection) -> Names:
        return cls({str(user.id): user.called for user in users.list_all(conn)})

    def of(self, actor: str | None) -> str:
        if not actor:
            return "the engine"
        via, _, who = actor.partition(":")
        if who in self._known:
            return self._known[who] + (" in Slack" if via == "slack" else "")
        if via == "watcher" and who:
            return f"the watcher {who}"
        return STARTERS.get(who or actor) or STARTERS.get(actor) or actor

    def in_text(self, text: str) -> str:
        return _ID.sub(lambda found: self._known.get(found[0], found[0]), text)


@dataclass(frozen=True, slots=True)
class Telling:
    """What the sentences need beside the events: who is who, which vendor an effect's
    key was for, what the answers' buttons said, and the company's time zone."""

    names: Names
    vendors: Mapping[str, str]
    labels: Mapping[str, str]
    zone: ZoneInfo

    def lines(self, events: Sequence[Event]) -> list[Line]:
        return [_line(event, self) for event in events]


def labels_of(question: Mapping[str, Any] | None) -> dict[str, str]:
    """What the buttons of a task's questions said, by the value that stands in the log."""
    asked = [question, *question.get("earlier", [])] if question else []
    return {
        option["value"]: option["label"]
        for one in asked
        if one
        for option in one.get("options", [])
    }


def _line(event: Event, telling: Telling) -> Line:
    said = wording(event["event_type"])
    key = event["effect_key"] or ""
    vendor, purpose = telling.vendors.get(key, ""), purpose_of(key)
    effect, happened = effect_words(vendor, purpose)
    weight: Weight = said.weight
    if key and (vendor, purpose) in QUIET_EFFECTS and event["event_type"] == "effect_done":
        weight = "quiet"
    sentence = said.sentence.format(
        step=event["step_name"] or "The step",
        who=telling.names.of(event["actor"]),
        what=_what(event, telling),
        tier=event["tier"],
        effect=effect,
        happened=happened,
    )
    return Line(
        seq=event["seq"],
        at=event["created_at"],
        sentence=_tidy(sentence),
        weight=weight,
        tone=said.tone,
        facts=_facts(event),
        tier=event["tier"],
        model=event["model"],
        tokens=_tokens(event),
        cost_usd=event["cost_usd"],
        confidence=event["confidence"],
        duration_ms=event["duration_ms"] or None,
        reference=_reference(event),
    )


def _what(event: Event, telling: Telling) -> str:
    """The event's summary in words; what each type puts there is for its own sentence."""
    summary = event["output_summary"] or ""
    first, _, rest = summary.partition(" ")
    match event["event_type"]:
        case "human_asked":
            said = f"{KINDS.get(first, first).lower()} {rest}"
        case "human_answered":
            said = f"“{telling.labels.get(first, first.replace('_', ' '))}” {rest}"
        case "step_completed":
            said = telling.labels.get(summary, summary.replace("_", " "))
        case "children_started":
            said = summary.replace("_", " ")
        case "vendor_down" | "vendor_back":
            said = VENDORS.get(summary, summary) or "a vendor"
        case "effect_done":
            said = ""
        case _:
            said = telling.names.in_text(in_words(summary, telling.zone))
    return said.strip()


def _facts(event: Event) -> tuple[str, ...]:
    attempt = event["attempt"]
    if not attempt:
        return ()
    if event["event_type"] == "step_retried":
        return (f"try {attempt}",)
    if event["event_type"] in ("step_completed", "step_failed"):
        return (f"after {attempt} {'retry' if attempt == 1 else 'retries'}",)
    return ()


def _tokens(event: Event) -> str:
    if event["tokens_in"] is None and event["tokens_out"] is None:
        return ""
    cached = f" + {event['tokens_cached']:,} cached" if event["tokens_cached"] else ""
    return f"{event['tokens_in'] or 0:,}{cached} in, {event['tokens_out'] or 0:,} out"


def _reference(event: Event) -> str:
    """What to look for at the vendor's: ids, never customer data."""
    if event["event_type"] in ("effect_done", "effect_settled", "llm_called"):
        return event["output_summary"] or ""
    return ""


def _tidy(sentence: str) -> str:
    """A sentence whose last part was empty ends without a colon hanging in the air."""
    tidy = sentence.rstrip(" :,")
    return tidy[:1].upper() + tidy[1:]
