"""Events, codes and numbers in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.reasons import in_words
from web.formats import about, ago, day_and_time, dollars, lasting, took
from web.timeline import Names, Telling
from web.wording import WORDINGS, effect_words, purpose_of, unworded, wording

CHICAGO = ZoneInfo("America/Chicago")
ME = "01a2080d-0fa6-7485-8c9a-e4c06e19a482"
NAMES = Names({ME: "Chris"})


def event(event_type: str, **facts: object) -> dict[str, object]:
    empty = dict.fromkeys(
        ("actor", "output_summary", "effect_key", "step_name", "attempt", "tier", "model",
         "tokens_in", "tokens_out", "tokens_cached", "cost_usd", "confidence", "duration_ms")
    )  # fmt: skip
    now = datetime.now(UTC)
    return empty | {"seq": 1, "created_at": now, "event_type": event_type} | facts


def said(event_type: str, **facts: object) -> str:
    telling = Telling(NAMES, {"t.1.send": "mail"}, {"send": "Send as is"}, CHICAGO)
    return telling.lines([event(event_type, **facts)])[0].sentence


def test_every_event_has_its_sentence() -> None:
    assert unworded() == []


@pytest.mark.parametrize("event_type", list(WORDINGS))
def test_a_sentence_needs_nothing_to_be_one(event_type: str) -> None:
    bare = said(event_type)
    assert bare
    assert "{" not in bare
    assert bare[0].isupper() or bare[0] == "“"
    assert not bare.endswith((":", ",", " "))


@pytest.mark.parametrize(
    ("event_type", "facts", "expected"),
    [
        ("task_started", {"actor": "lead_form"}, "Started by the web form"),
        ("task_started", {"actor": "task 12"}, "Started by task 12"),
        ("task_cancelled", {"actor": f"web:{ME}"}, "Cancelled by Chris"),
        ("human_answered", {"actor": f"slack:{ME}", "output_summary": "send (edited)"},
         "Chris in Slack answered “Send as is” (edited)"),
        ("effect_done", {"effect_key": "t.1.send", "output_summary": "message_id=1"},
         "The mail was sent"),
        ("effect_refused", {"effect_key": "t.1.send", "output_summary": "contacted_recently"},
         "The mail did not go out: this customer had a marketing mail only lately"),
        ("effect_in_doubt", {"effect_key": "t.1.send", "output_summary": "interrupted"},
         "The mail may or may not have gone out: the worker stopped in the middle"),
        ("step_completed", {"step_name": "What is it?", "output_summary": "new_lead"},
         "“What is it?” is done: new lead"),
        ("user_changed", {"actor": "cli:shell", "output_summary": f"user {ME} role viewer"},
         "The command line changed a user: user Chris role viewer"),
        ("of_tomorrow", {}, "Of tomorrow"),
    ],
)  # fmt: skip
def test_sentences(event_type: str, facts: dict[str, object], expected: str) -> None:
    assert said(event_type, **facts) == expected


def test_what_changes_the_world_is_loud_and_bookkeeping_is_not() -> None:
    assert wording("effect_done").weight == "loud"
    assert wording("human_answered").weight == "loud"
    assert wording("task_parked").weight == "quiet"
    assert wording("effect_intended").weight == "quiet"
    card = Telling(NAMES, {"card-1.post": "slack"}, {}, CHICAGO)
    assert card.lines([event("effect_done", effect_key="card-1.post")])[0].weight == "quiet"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("outage:crm 2.0 s", "the CRM cannot be reached; goes on by itself"),
        ("rate_limited:claude 5.0 s", "the model asked to wait"),
        ("slot:slack:#leads 2.0 s", "waits for its turn at Slack"),
        ("until 2026-11-23 15:34+0000", "until Mon Nov 23, 09:34"),
        ("unreachable:mail timeout; again in 2.1 s",
         "the mail service could not be reached: no answer in time; again in 2.1 s"),
        ("refused:suppressed_unsubscribed", "this customer has unsubscribed"),
        ("refused:MessageRejected", "refused (MessageRejected)"),
        ("low_confidence, recipient_name_missing",
         "not sure enough, the customer’s name is missing"),
        ("ambiguous", "no answer came"),
        ("something_new", "something new"),
        ("", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_codes(code: str | None, expected: str) -> None:
    assert in_words(code, CHICAGO) == expected


def test_an_effects_key_names_its_purpose() -> None:
    assert purpose_of(f"{ME}.3.send") == "send"
    assert purpose_of(f"{ME}.3.notify.item.4") == "notify"
    assert purpose_of(f"card-{ME}.post") == "post"
    assert purpose_of("odd") == ""
    assert effect_words("crm", "something_new") == ("The call", "was made")


def test_as_much_of_a_date_as_is_needed() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=CHICAGO)

    def shown(**span: float) -> str:
        return day_and_time((now + timedelta(**span)).astimezone(UTC), now, CHICAGO)

    assert shown(hours=4) == "16:00"
    assert shown(days=1) == "tomorrow 12:00"
    assert shown(days=-1) == "yesterday 12:00"
    assert shown(days=3) == "Thu 12:00"
    assert shown(days=20) == "Dec 13, 12:00"
    assert shown(days=-400) == "Oct 19 2025, 12:00"


def test_spans_and_money() -> None:
    assert [took(850), took(2700), took(90_000)] == ["850 ms", "2.7 s", "1 min 30 s"]
    assert lasting(timedelta(days=2, hours=3, minutes=4)) == "2 d 3 h"
    assert lasting(timedelta(hours=1)) == "1 h"
    assert lasting(timedelta(0)) == "0 s"
    assert [dollars(Decimal(c)) for c in ("0", "0.00004", "0.0034", "12.5")] == [
        "$0", "under $0.0001", "$0.0034", "$12.50",
    ]  # fmt: skip
    assert about(Decimal("0.004")) == "under 1¢"
    now = datetime.now(UTC)
    assert [ago(now - timedelta(seconds=s), now) for s in (1, 60, 7200, 300_000)] == [
        "just now", "1 min", "2 h", "3 days",
    ]  # fmt: skip
