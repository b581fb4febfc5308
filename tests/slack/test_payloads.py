"""Payloads: Slack's are read, all others are named, none is a traceback."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.slack.interactions import Click, Closed, Submission, read_interaction
from engine.slack.payloads import (
    Command,
    HomeOpened,
    Ignored,
    PayloadInvalid,
    UrlCheck,
    read_command,
    read_event,
)

USER = {"id": "U0OWNER", "username": "chris", "name": "chris", "team_id": "T0LOCAL"}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": USER,
    "team": {"id": "T0LOCAL", "domain": "local"},
    "trigger_id": "12.34",
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
    "channel": {"id": "C1", "name": "leads"},
    "response_url": "https://hooks.example/1",
    "actions": [{"type": "button", "action_id": "answer:send", "block_id": "tok", "value": "tok"}],
}
VIEW = {
    "id": "V1",
    "hash": "156.9",
    "callback_id": "edit:edit",
    "private_metadata": "tok",
    "state": {"values": {"field:body": {"text": {"type": "plain_text_input", "value": " a\r\n"}}}},
}
SUBMISSION: dict[str, Any] = {"type": "view_submission", "user": USER, "team": None, "view": VIEW}


def form(payload: object) -> dict[str, str]:
    return {"payload": json.dumps(payload)}


def test_a_button_is_an_answer():
    click = read_interaction(form(CLICK))
    assert click == Click(
        key="click:12.34",
        token="tok",
        value="send",
        user_id="U0OWNER",
        user_name="chris",
        team_id="T0LOCAL",
        trigger_id="12.34",
        channel="C1",
        message_ts="1.2",
        response_url="https://hooks.example/1",
    )


def test_a_select_is_an_answer():
    chosen = {
        "type": "static_select",
        "action_id": "answer",
        "block_id": "tok~3",
        "selected_option": {"value": "lawn", "text": {"type": "plain_text", "text": "Lawn"}},
    }
    click = read_interaction(form(CLICK | {"actions": [chosen]}))
    assert isinstance(click, Click)
    assert (click.token, click.value) == ("tok", "lawn")


def test_a_stranger_of_another_team_is_named_by_their_own_team():
    click = read_interaction(form(CLICK | {"user": USER | {"team_id": "T9OTHER"}}))
    assert isinstance(click, Click)
    assert click.team_id == "T9OTHER"


def test_a_submission_keeps_every_byte():
    submission = read_interaction(form(SUBMISSION))
    assert isinstance(submission, Submission)
    assert submission.fields == {"body": " a\r\n"}
    assert (submission.token, submission.kind, submission.value) == ("tok", "edit", "edit")
    assert submission.key == "view:V1:156.9"


def test_a_corrected_submission_is_another_occasion():
    first = read_interaction(form(SUBMISSION | {"trigger_id": "1"}))
    second = read_interaction(form(SUBMISSION | {"trigger_id": "2"}))
    assert isinstance(first, Submission)
    assert isinstance(second, Submission)
    assert first.key != second.key


def test_a_closed_modal():
    closed = read_interaction(form(SUBMISSION | {"type": "view_closed"}))
    assert isinstance(closed, Closed)
    assert (closed.token, closed.kind) == ("tok", "edit")


def test_what_is_not_ours_is_acknowledged():
    other = CLICK | {"actions": [{"type": "button", "action_id": "somebody-elses"}]}
    assert read_interaction(form(other)) == Ignored("action")
    assert read_interaction(form({"type": "message_action"})) == Ignored("interaction")
    assert read_event(json.dumps({"event": {"type": "message"}}).encode()) == Ignored("event")


def test_a_command():
    given = {"command": "/sop", "text": "run leads", "user_id": "U1", "trigger_id": "9.9"}
    command = read_command(given | {"channel_id": "C1", "team_id": "T1"})
    assert command == Command("command:9.9", "/sop", "run leads", "U1", "U1", "T1", "C1", "9.9")


def test_events():
    assert read_event(b'{"type": "url_verification", "challenge": "abc"}') == UrlCheck("abc")
    opened = {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": "Ev1",
        "event": {"type": "app_home_opened", "user": "U1", "tab": "home"},
    }
    assert read_event(json.dumps(opened).encode()) == HomeOpened("event:Ev1", "U1", "T1")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        CLICK | {"actions": []},
        CLICK | {"actions": [7]},
        CLICK | {"actions": [{"action_id": "answer:send"}]},
        CLICK | {"actions": [{"action_id": "answer", "block_id": "tok"}]},
        CLICK | {"user": None},
        CLICK | {"trigger_id": None},
        SUBMISSION | {"view": VIEW | {"state": {"values": {"field:a": {}}}}},
        SUBMISSION | {"view": VIEW | {"state": {"values": {"field:a": {"t": {"value": 7}}}}}},
        SUBMISSION | {"view": VIEW | {"state": None}},
        SUBMISSION | {"view": VIEW | {"hash": 7}},
    ],
)
def test_a_wrong_shape_is_named(payload: object):
    with pytest.raises(PayloadInvalid):
        read_interaction(form(payload))


def test_what_is_no_json_at_all_is_named():
    for text in ("", "{", "[" * 100_000, "\ud800"):
        with pytest.raises(PayloadInvalid):
            read_interaction({"payload": text})
    with pytest.raises(PayloadInvalid):
        read_interaction({})
    with pytest.raises(PayloadInvalid):
        read_event(b"\xff\xfe")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(suppress_health_check=list(HealthCheck))
@given(st.sampled_from([CLICK, SUBMISSION, SUBMISSION | {"type": "view_closed"}]), st.data())
def test_no_payload_raises_anything_else(payload: dict[str, Any], data: st.DataObject):
    """A part of a good payload, exchanged for anything."""
    bent = json.loads(json.dumps(payload))
    holder: Any = bent
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else [0]))
        inner = holder[key]
        deeper = isinstance(inner, dict | list) and inner and data.draw(st.booleans())
        if not deeper:
            holder[key] = data.draw(json_values)
            break
        holder = inner
    with contextlib.suppress(PayloadInvalid):
        read_interaction(form(bent))


@given(st.dictionaries(st.sampled_from(["command", "user_id", "trigger_id", "x"]), st.text()))
def test_no_command_raises_anything_else(given_form: dict[str, str]):
    with contextlib.suppress(PayloadInvalid):
        read_command(given_form)
