"""Cards: what they say in each state, and that Slack would take any of them."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from slack_sdk.models.blocks import Block

from engine.slack import elements
from engine.slack.blocks import notice, question_card
from engine.slack.card_foot import token_in
from engine.slack.card_state import (
    Answered,
    Cancelled,
    Editing,
    Erased,
    Expired,
    Open,
    Sent,
    Undo,
)
from tests.slack.questions import AT, approval, option, questions, states, words
from web.local.slack import limits

URL = "https://engine.example/tasks/1043"
TOKEN = "b54c0c46-6f4b-4a86.b0a9a7a7"
SPECIAL = re.compile(r"<(?!https?://|!date\^)|@(channel|here|everyone)>")


def card(question: dict[str, Any], state: Any) -> tuple[str, list[dict[str, Any]]]:
    return question_card(question, token=TOKEN, state=state, task_number=1043, task_url=URL)


def parts(blocks: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [block for block in blocks if block["type"] == kind]


def plain_texts(blocks: list[dict[str, Any]]) -> list[str]:
    found = [block["text"]["text"] for block in parts(blocks, "section")]
    for block in parts(blocks, "context"):
        found += [element["text"] for element in block["elements"]]
    return found


def pressable(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [element for block in parts(blocks, "actions") for element in block["elements"]]


def test_an_approval_shows_the_exact_mail():
    question = approval()
    _, blocks = card(question, Open())
    mail = question["mail"]
    body = next(b for b in blocks if b.get("text", {}).get("text") == mail["body"])
    assert body["text"] == {"type": "plain_text", "text": mail["body"], "emoji": False}
    assert mail["footer"] in plain_texts(blocks)
    heads = "".join(part["text"] for part in blocks[5]["elements"][0]["elements"])
    assert "From: Snow & Sons <office@snow.example>" in heads
    assert "To: Mike Larsen <mike@example.com>" in heads
    assert "Subject: Re: Quote" in heads


def test_its_buttons_carry_the_token_and_no_content():
    _, blocks = card(approval(), Open())
    assert [block["block_id"] for block in parts(blocks, "actions")] == [f"{TOKEN}~0"]
    assert [(b["action_id"], b["value"]) for b in pressable(blocks)] == [
        ("answer:send", TOKEN),
        ("answer:edit", TOKEN),
        ("answer:reject", TOKEN),
    ]


def test_a_danger_asks_first_unless_a_form_does():
    question = approval(options=[option("a", "Send twice", style="danger"), *approval()["options"]])
    question["options"] = question["options"][:1] + question["options"][3:]
    _, blocks = card(question, Open())
    sure, refuse = pressable(blocks)
    assert sure["confirm"]["style"] == "danger"
    assert "confirm" not in refuse


def test_more_than_three_options_are_a_select():
    choices = [option(str(n), f"Choice {n}") for n in range(4)]
    _, blocks = card(approval(options=choices), Open())
    (select,) = pressable(blocks)
    assert select["type"] == "static_select"
    assert [o["value"] for o in select["options"]] == ["0", "1", "2", "3"]


def test_a_select_is_another_one_at_each_redraw():
    """Else Slack keeps the choice of somebody who put the form away."""
    question = approval(options=[option(str(n), f"Choice {n}") for n in range(4)])
    ids = set()
    for revision in range(3):
        _, blocks = question_card(
            question,
            token=TOKEN,
            state=Open(),
            task_number=1,
            task_url=URL,
            revision=revision,
        )
        (block,) = parts(blocks, "actions")
        ids.add(block["block_id"])
        assert token_in(block["block_id"]) == TOKEN
    assert len(ids) == 3


def test_a_long_mail_shows_its_first_part_and_the_way_to_the_rest():
    question = approval()
    question["mail"]["body"] = "word " * 1000
    _, blocks = card(question, Open())
    assert any("5,000 characters" in text and URL in text for text in plain_texts(blocks))
    shown = next(b for b in blocks if b.get("text", {}).get("text", "").startswith("word "))
    assert 2800 < len(shown["text"]["text"]) <= 2900


@pytest.mark.parametrize(
    ("state", "says", "buttons"),
    [
        (Open(), "If nobody answers", 3),
        (Editing("Sam", AT), "*Sam* is editing", 3),
        (Undo("Sam", AT, 30), "*sending in 30 s*", 1),
        (Undo("Sam", AT, 30, "Don't send: no lawn", sends=False), "no lawn · can be undone", 1),
        (Answered("Sam", AT, "Don't send: we know her"), "Don't send: we know her", 0),
        (Sent("Sam", AT, "Sent as is"), "*Sent as is* · Sam", 0),
        (Expired(AT), "nobody answered in time", 0),
        (Cancelled(AT, "Chris"), "*Cancelled* by Chris", 0),
        (Erased(), "has been erased", 0),
    ],
)
def test_the_foot_says_what_has_become_of_it(state: Any, says: str, buttons: int):
    _, blocks = card(approval(), state)
    assert any(says in text for text in plain_texts(blocks))
    waiting = isinstance(state, Open | Editing)
    assert any("If nobody answers" in text for text in plain_texts(blocks)) is waiting
    assert len(pressable(blocks)) == buttons


def test_undo_is_an_answer_of_its_own():
    _, blocks = card(approval(), Undo("Sam", AT, 30))
    assert pressable(blocks)[0]["action_id"] == "answer:undo"


def test_an_erased_card_holds_nothing_of_the_customer():
    text, blocks = card(approval(), Erased())
    everything = text + json.dumps(blocks)
    for word in ("Mike", "mike@", "Thursday", "plowing", "Edina", "Quote"):
        assert word not in everything
    assert "1043" in everything


def test_a_direction_sign_cannot_turn_the_recipient_around():
    question = approval()
    question["mail"]["to"] = "a\u202emoc.elpmaxe@b"
    _, blocks = card(question, Open())
    assert "\u202e" not in json.dumps(blocks, ensure_ascii=False)


def test_a_card_that_is_full_everywhere_still_fits():
    """Three bytes to every sign, in each place, and more options than Slack has."""
    full = "漢" * 20_000
    question: dict[str, Any] = {
        "mail": dict.fromkeys(("from", "to", "to_name", "subject", "body", "footer"), full),
        "options": [option(f"{n:03}" + "漢" * 72, full) for n in range(130)],
        "facts": [[full, full]] * 60,
        "notes": [full] * 5,
    }
    question |= dict.fromkeys(("title", "why", "model", "history", "if_silent", "quoted"), full)
    for state in (Open(), Editing(full, AT), Sent(full, AT, full)):
        _, blocks = card(question, state)
        assert limits.of_message(blocks) == []
        assert elements.size(blocks) <= 12_000
    assert any("Answer on the task" in text for text in plain_texts(card(question, Open())[1]))


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(questions, states)
def test_slack_takes_any_card(question: dict[str, Any], state: Any):
    text, blocks = card(question, state)
    assert text.strip()
    assert limits.of_message(blocks) == []
    assert elements.size(blocks) <= 12_000
    for block in blocks:
        _vendor_accepts(block)
    _mentions_nobody(text, blocks)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(words, words)
def test_slack_takes_any_notice(said: str, footnote: str):
    text, blocks = notice(said, more=(URL, "The task"), footnote=footnote)
    assert text.strip()
    assert limits.of_message(blocks) == []
    assert not limits.too_long_together(blocks)
    _mentions_nobody(text, blocks)


def test_an_empty_token_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="token"):
        question_card(approval(), token="", state=Open(), task_number=1, task_url=URL)


def _vendor_accepts(block: dict[str, Any]) -> None:
    """The SDK's own models check the lengths that it knows of."""
    parsed = Block.parse(block)
    assert parsed is not None
    parsed.validate_json()


def _mentions_nobody(text: str, blocks: list[dict[str, Any]]) -> None:
    assert not SPECIAL.search(text)
    for block in blocks:
        for element in [block.get("text"), *(block.get("elements") or [])]:
            if isinstance(element, dict) and element.get("type") == "mrkdwn":
                assert element["verbatim"] is True
                assert not SPECIAL.search(element["text"])
