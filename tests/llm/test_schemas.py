"""Output models: what goes out is what the vendor's grammar takes, and what comes back is
read strictly where it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ReplyInvalid
from engine.llm.schemas import (
    Finding,
    analysis,
    classification,
    decision,
    draft,
    validated,
    wire_schema,
)
from web.local.claude_schema import complaint

LABELS = ("new_lead", "spam")
FINDINGS = (
    Finding(name="mood", type="label", labels=("good", "bad"), description="How they feel."),
    Finding(name="urgent", type="yes_no"),
    Finding(name="amount", type="number"),
    Finding(name="copy", type="list"),
    Finding(name="summary"),
)
MODELS = (classification(LABELS), decision(LABELS), draft(), analysis(FINDINGS))


def reply(**changes: Any) -> str:
    return json.dumps({"category": "spam", "reason": "Because.", "confidence": 0.9} | changes)


def wrong(text: str, model: Any = MODELS[0]) -> str:
    with pytest.raises(ReplyInvalid) as caught:
        validated(model, text)
    return caught.value.detail


@pytest.mark.parametrize("model", MODELS)
def test_the_wire_schema_is_within_the_grammar(model: Any):
    schema = wire_schema(model)
    assert complaint(schema) == ""
    assert schema["required"] == list(schema["properties"])
    assert list(schema["properties"])[-2:] == ["reason", "confidence"]
    assert set(schema["properties"]["confidence"]) == {"type", "description"}


def test_labels_become_an_enum_and_models_are_made_once():
    assert wire_schema(MODELS[0])["properties"]["category"]["enum"] == list(LABELS)
    assert wire_schema(decision(("only",)))["properties"]["decision"]["enum"] == ["only"]
    assert classification(list(LABELS)) is MODELS[0]


@pytest.mark.parametrize("written", ["new_lead", "New_Lead", " NEW LEAD ", "new-lead"])
def test_the_case_of_a_label_is_forgiven(written: str):
    assert validated(MODELS[0], reply(category=written)).category == "new_lead"


def test_a_reason_is_one_line_and_other_fields_are_ignored():
    found = validated(MODELS[0], reply(reason="one\n two " + "x" * 400, thoughts="…"))
    assert "\n" not in found.reason
    assert len(found.reason) == 300


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (reply(category="Anna Berg"), "category: literal_error"),
        (reply(confidence=1.9), "confidence: less_than_equal"),
        (reply(confidence=-1), "confidence: greater_than_equal"),
        (reply(confidence="0.9"), "confidence: float_type"),
        (reply(confidence=True), "confidence: float_type"),
        (reply(confidence=float("nan")), "confidence: finite_number"),
        (reply(reason=None), "reason: string_type"),
        ("{}", "reason: missing; confidence: missing; category: missing"),
        ('{"category": "sp', "not_json"),
        ("I would rather not.", "not_json"),
        ("", "not_json"),
        ("[]", "reply: model_type"),
    ],
)
def test_what_is_wrong_is_told_in_words_of_ours(text: str, detail: str):
    assert wrong(text) == detail


@given(st.text())
def test_no_reply_leaks_into_the_explanation(text: str):
    detail = wrong(reply(category=f"secret {text}"))
    assert detail == "category: literal_error"


def test_findings_are_read_by_their_types():
    found = {"mood": "Good", "urgent": True, "amount": None, "copy": ["a"], "summary": ""}
    text = json.dumps({"findings": found, "reason": "r", "confidence": 1})
    assert validated(MODELS[3], text).findings == found | {"mood": "good"}
    text = json.dumps({"findings": found | {"amount": "12"}, "reason": "r", "confidence": 1})
    assert "findings.amount" in wrong(text, MODELS[3])


def test_a_config_that_makes_no_model_is_refused_when_it_is_read():
    with pytest.raises(ValueError, match="label"):
        classification(())
    with pytest.raises(ValueError, match="label"):
        analysis([Finding(name="mood", type="label")])
    with pytest.raises(ValueError, match="of its own"):
        analysis([Finding(name="a"), Finding(name="a")])
    with pytest.raises(ValueError, match="1 to 16"):
        analysis([])
    with pytest.raises(ValueError, match="pattern"):
        Finding(name="Not Snake")
