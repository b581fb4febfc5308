"""The LLM port's contract, over the real SDK and a real socket: one call is one request,
whatever happens to it, and every failure has its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import (
    Ambiguous,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
    VendorError,
)
from engine.llm import Prompt
from engine.llm.claude import Claude, from_settings
from engine.llm.schemas import (
    Draft,
    Finding,
    analysis,
    classification,
    draft,
    validated,
    wire_schema,
)
from engine.settings import Settings
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.claude import script
from web.local.world import Fault, World

HAIKU, SONNET, OPUS = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
LABELS = ("new_lead", "existing_customer", "complaint", "scheduling", "spam")
CLASSIFY = Prompt(
    system="You sort the office's mail.",
    user='<outside id="a1" name="email_text">\nHow much is snow removal? We need a quote.\n'
    '</outside id="a1">\n\nWhat is it?',
    schema=wire_schema(classification(LABELS)),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.db")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serve(create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))) as base:
        yield f"{base}/claude"


@pytest.fixture
def claude(url: str) -> Claude:
    return from_settings(Settings(ANTHROPIC_API_KEY="local", ANTHROPIC_BASE_URL=url))  # type: ignore[call-arg]


def ask(claude: Claude, prompt: Prompt = CLASSIFY, *, model: str = HAIKU, **kwargs):
    return claude.reply(prompt, model=model, **{"max_tokens": 1000, "timeout": 5.0} | kwargs)


def failure(claude: Claude, **kwargs) -> VendorError:
    with pytest.raises(VendorError) as caught:
        ask(claude, **kwargs)
    return caught.value


def test_a_reply_is_text_usage_and_a_reason_to_stop(claude: Claude, world: World):
    reply = ask(claude)
    found = validated(classification(LABELS), reply.text)
    assert (found.category, reply.stop, reply.model) == ("new_lead", "end_turn", HAIKU)
    assert reply.usage.tokens_in > 0
    assert reply.usage.tokens_out > 0
    assert reply.request_id
    assert len(world.requests("claude")) == 1


def test_the_request_is_as_the_vendor_wants_it(claude: Claude, world: World):
    ask(claude, max_tokens=77)
    (request,) = world.requests("claude")
    body = json.loads(request["body"])
    assert request["path"].startswith("/claude/v1/messages")
    assert request["headers"]["Authorization"] == "Bearer local"
    assert body["max_tokens"] == 77
    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": CLASSIFY.schema},
    }
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert not {"tools", "tool_choice", "temperature", "top_p", "stream"} & set(body)


def test_the_thinking_block_of_a_bigger_model_is_not_its_answer(claude: Claude):
    reply = ask(claude, model=OPUS)
    assert validated(classification(LABELS), reply.text).category == "new_lead"


def test_a_long_prefix_is_paid_for_once(claude: Claude):
    prompt = Prompt(system="The office. " * 400, user=CLASSIFY.user, schema=CLASSIFY.schema)
    first, second = ask(claude, prompt), ask(claude, prompt)
    assert first.usage.tokens_cache_written > 512
    assert first.usage.tokens_cached == 0
    assert second.usage.tokens_cached == first.usage.tokens_cache_written
    assert second.usage.tokens_in == first.usage.tokens_in


def test_a_reply_that_was_cut_off_is_a_reply(claude: Claude):
    reply = ask(claude, max_tokens=5)
    assert reply.stop == "max_tokens"
    assert reply.usage.tokens_out > 0


@pytest.mark.parametrize(
    ("stop_reason", "stop"),
    [
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "max_tokens"),
        ("pause_turn", "other"),
    ],
)
def test_other_ends_are_replies_too(claude: Claude, world: World, stop_reason: str, stop: str):
    script(world, text="", stop_reason=stop_reason)
    reply = ask(claude)
    assert (reply.text, reply.stop) == ("", stop)
    assert reply.usage.tokens_in > 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unauthorised),
        (402, Refused),
        (403, Unauthorised),
        (404, Refused),
        (408, Ambiguous),
        (413, Refused),
        (500, Unreachable),
        (503, Unreachable),
        (504, Unreachable),
    ],
)
def test_each_status_has_its_name_and_costs_one_request(
    claude: Claude, world: World, status: int, kind: type[VendorError]
):
    body = '{"type":"error","error":{"type":"some_error","message":"about Anna"}}'
    world.order(Fault("claude", "answer", status=status, body=body))
    error = failure(claude)
    assert type(error) is kind
    assert "Anna" not in str(error)
    if status != 408:
        assert error.detail == "some_error"
    assert len(world.requests("claude")) == 1


@pytest.mark.parametrize("status", [429, 529])
def test_the_vendor_says_how_long_to_wait_and_nobody_waits_here(
    claude: Claude, world: World, status: int
):
    world.order(Fault("claude", "answer", status=status, headers={"Retry-After": "120"}))
    error = failure(claude)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 120
    assert len(world.requests("claude")) == 1


def test_without_a_retry_after_there_is_a_default(claude: Claude, world: World):
    world.order(Fault("claude", "answer", status=429, headers={"Retry-After": "soon"}))
    error = failure(claude)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 30


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_dropped_connection_is_one_request_and_in_doubt(claude: Claude, world: World, kind):
    world.order(Fault("claude", kind))
    assert isinstance(failure(claude), Ambiguous)
    assert len(world.requests("claude")) == 1


def test_no_answer_in_time_is_one_request_and_in_doubt(claude: Claude, world: World):
    world.order(Fault("claude", "slow", seconds=2))
    error = failure(claude, timeout=0.3)
    assert isinstance(error, Ambiguous)
    assert error.detail == "timeout"
    assert len(world.requests("claude")) == 1


@pytest.mark.parametrize("body", ['{"id": "msg_1", "content": [{"ty', "<html>", "{}", "[]", ""])
def test_a_broken_body_is_a_failure_with_a_name(claude: Claude, world: World, body: str):
    world.order(Fault("claude", "answer", status=200, body=body))
    error = failure(claude)
    assert isinstance(error, Ambiguous)
    assert error.detail == "bad_reply"
    assert len(world.requests("claude")) == 1


def test_nobody_there_is_unreachable():
    claude = Claude(api_key="local", base_url="http://127.0.0.1:1")
    assert isinstance(failure(claude), Unreachable)


def test_without_a_key_no_call_is_made(world: World, url: str):
    assert isinstance(failure(Claude(api_key="", base_url=url)), Unauthorised)
    assert world.requests("claude") == []


def test_what_the_vendor_refuses_is_refused(claude: Claude):
    bounded = {"type": "object", "properties": {"a": {"type": "number", "minimum": 0}}}
    assert isinstance(failure(claude, prompt=Prompt("s", "u", bounded)), Refused)
    assert isinstance(failure(claude, model="some-other-model"), Refused)


def test_every_output_model_is_a_schema_that_the_vendor_takes(claude: Claude):
    findings = [
        Finding(name="mood", type="label", labels=("positive", "negative")),
        Finding(name="urgent", type="yes_no"),
        Finding(name="amount", type="number"),
        Finding(name="services", type="list"),
        Finding(name="summary"),
    ]
    wanted = analysis(findings)
    prompt = Prompt(CLASSIFY.system, CLASSIFY.user, wire_schema(wanted))
    found = validated(wanted, ask(claude, prompt).text)
    assert found.findings["services"] == ["snow removal"]
    assert found.findings["amount"] is None
    wanted = draft()
    reply = ask(claude, Prompt(CLASSIFY.system, CLASSIFY.user, wire_schema(wanted)))
    assert isinstance(validated(wanted, reply.text), Draft)


def test_scripted_replies_come_once_each_and_in_order(claude: Claude, world: World):
    script(world, match="snow removal", object={"confidence": 0.3}, model="haiku")
    script(world, match="no such words", text="never")
    script(world, text="{broken", times=2)
    unsure = validated(classification(LABELS), ask(claude).text)
    assert (unsure.category, unsure.confidence) == ("new_lead", 0.3)
    assert [ask(claude).text for _ in range(3)][:2] == ["{broken", "{broken"]
    assert validated(classification(LABELS), ask(claude).text).confidence > 0.9
