"""Modals: prefilled exactly, within Slack's limits, and read back byte for byte."""

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.slack import modals
from engine.slack.home import OpenQuestion, home_view
from engine.slack.modals import edit_modal, form_modal, late_modal, parse_submission, reason_modal
from tests.slack.questions import AT, approval, questions, words
from web.local.slack import limits
from web.local.slack.inputs import filled_in

TOKEN = "token-1"
URL = "https://engine.example/tasks/1"


def test_an_edit_modal_holds_the_draft_and_the_token():
    question = approval()
    view = edit_modal(question, TOKEN, task_url=URL)
    entry = view["blocks"][-1]["element"]
    assert entry["initial_value"] == question["fields"][0]["value"]
    assert view["private_metadata"] == TOKEN
    assert view["callback_id"] == "edit:edit"
    assert view["title"]["text"] == "Edit first"


def test_what_is_over_three_thousand_characters_is_edited_on_the_web():
    question = approval()
    question["fields"][0]["value"] = "x" * 3001
    view = edit_modal(question, TOKEN, task_url=URL)
    assert "submit" not in view
    assert any(URL in block.get("text", {}).get("text", "") for block in view["blocks"])


def test_a_refusal_asks_for_a_reason():
    view = reason_modal(approval(), TOKEN, value="reject")
    assert view["callback_id"] == "reason:reject"
    assert view["title"]["text"] == "Don't send"
    assert view["blocks"][-1]["block_id"] == "field:reason"


def test_a_late_form_gives_the_text_back():
    view = late_modal("Sam was first: Send as is.", {"Text": "my words\n  kept"})
    assert view["blocks"][-1]["text"]["text"] == "my words\n  kept"
    assert limits.of_view(view) == []


@given(st.dictionaries(st.text(min_size=1, max_size=50), st.text(min_size=1), min_size=1))
@example({"tapped": "a field of the procedure", "reason": "and another"})
def test_a_submission_is_read_back_byte_for_byte(values: dict[str, str]):
    fields = [
        {"key": key, "label": "Text", "multiline": True, "value": "", "optional": False}
        for key in values
    ]
    view = form_modal(approval(fields=fields), TOKEN)
    state, errors = filled_in(view["blocks"], {f"field:{key}": v for key, v in values.items()})
    assert errors == {}
    assert parse_submission({"view": view | {"state": {"values": state}}}) == values


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(questions, st.sampled_from(["edit", "reply", "send"]))
def test_slack_takes_any_modal(question: dict[str, Any], value: str):
    for view in (
        edit_modal(question, TOKEN, value=value, task_url=URL),
        form_modal(question, TOKEN, value=value, task_url=URL),
        reason_modal(question, TOKEN, value=value),
    ):
        assert limits.of_view(view) == []


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(words, st.dictionaries(words, words, max_size=3))
def test_slack_takes_any_late_modal(said: str, kept: dict[str, str]):
    assert limits.of_view(late_modal(said, kept)) == []
    assert limits.of_view(modals.told_modal(said, said)) == []


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(words, words, st.integers(0, 120))
def test_slack_takes_any_home(title: str, why: str, count: int):
    view = home_view([OpenQuestion(title, why, 7, URL, AT, why)] * count, inbox_url=URL)
    assert limits.of_view(view) == []
