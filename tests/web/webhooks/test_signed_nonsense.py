"""Whatever is signed, for a signature says only that Slack passed it on: never a crash in the
request, and nothing in the worker that is tried again for ever.

Real posts with one of their values replaced, many to one app; what they leave is looked at once.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.demo import OWNER_SLACK_ID, TEAM
from tests.databases import Databases
from tests.engine.hands import begin, rows
from tests.web.webhooks.signing import post
from tests.web.webhooks.test_slack_refusals import STEPS
from tests.world import Company, company
from web import create_app

UUID = "01a21dbc-4d1f-71b5-9d14-44e0d541ac5f"
FIELDS = ["command", "text", "user_id", "user_name", "team_id", "trigger_id", "channel_id"]
TEXTS = ["\0", "run \0", "away until \0", "stop x\0", "run " + "é" * 999]
ABOUT = ["spam:no", "line:no", "batch:no", "batch:", f"spam:{UUID}", f"line:{UUID}",
         f"batch:{UUID}", UUID, f"{UUID}.no"]  # fmt: skip
OCCASIONS = itertools.count()
NASTY = st.one_of(
    st.sampled_from(
        ["", "\0", "\ud800", "é", "😀" * 300, "x" * 5000, "batch:", f"batch:{UUID}", "batch:no",
         "spam:", f"spam:{UUID}", "spam:no", "line:", f"line:{UUID}", "line:no", UUID,
         f"{UUID}.{UUID}", "show:", "strike:", "undo", "send", "edit", "answer", "answer:",
         "answer:show:no", "answer:strike:", "answer:undo", "answer:send", "run small", "stop \0"]
    ),
    st.none(), st.booleans(), st.integers(), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2), st.text(max_size=40),
)  # fmt: skip


@pytest.fixture(scope="module")
def office(
    databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    folder: Path = tmp_path_factory.mktemp("nonsense")
    with databases.fresh(template) as name, company(databases.dsn(name), folder, web=False) as here:
        begin(here, STEPS, {"customer_name": "Anna", "customer_email": "anna@example.com"})
        yield here


@pytest.fixture(scope="module")
def app(office: Company) -> Flask:
    return create_app(office.runtime)


@pytest.fixture(scope="module")
def posts(office: Company) -> list[dict[str, Any]]:
    [task] = rows(office, "select * from tasks")
    given = task["question"]["id"] + "." + task["question"]["token"]
    person = {"user": {"id": OWNER_SLACK_ID, "team_id": TEAM, "name": "chris"},
              "team": {"id": TEAM}, "trigger_id": "1.x"}  # fmt: skip
    view = {"id": "V1", "hash": "h", "type": "modal", "private_metadata": given,
            "callback_id": "edit:edit", "previous_view_id": "V0",
            "state": {"values": {"field:draft_body": {"a": {"type": "plain_text_input",
                                                            "value": "Hi"}}}}}  # fmt: skip
    button = {"action_id": "answer:later", "value": given, "block_id": f"{given}~1"}
    select = {"action_id": "answer", "block_id": f"{given}~1",
              "selected_option": {"value": "later"}}  # fmt: skip
    at = {"container": {"message_ts": "1.1", "channel_id": "C0"}, "channel": {"id": "C0"}}
    return [
        {"type": "block_actions", **person, **at, "actions": [button]},
        {"type": "block_actions", **person, **at, "actions": [select]},
        {"type": "block_actions", **person, "view": view, "actions": [button]},
        {"type": "view_submission", **person, "view": view},
        {"type": "view_closed", **person, "view": view},
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, the inner ones too."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inside:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from places(one, (*path, key))


def spoilt(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_click_or_form_breaks_the_request(
    app: Flask, posts: list[dict[str, Any]], data: st.DataObject
) -> None:
    # Each of them is an occasion of its own, else the first would stand for all.
    occasion = {"trigger_id": f"1.{next(OCCASIONS)}"}
    document = data.draw(st.sampled_from(posts)) | occasion
    path = data.draw(st.sampled_from(list(places(document))))
    made = spoilt(document, path, data.draw(NASTY))
    answer = post(app, "interactions", urlencode({"payload": json.dumps(made)}))
    assert answer.status_code in (200, 400), (path, made)


@settings(max_examples=80, deadline=None)
@given(field=st.sampled_from(FIELDS), value=st.text(max_size=60) | st.sampled_from(TEXTS))
def test_no_command_breaks_the_request(app: Flask, field: str, value: str) -> None:
    given = {"command": "/sop", "text": "status", "user_id": OWNER_SLACK_ID, "team_id": TEAM,
             "trigger_id": "1.x", "channel_id": "C0", "user_name": "chris"}  # fmt: skip
    answer = post(app, "commands", urlencode({**given, field: value}, errors="replace"))
    assert answer.status_code in (200, 400)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_event_breaks_the_request(app: Flask, data: st.DataObject) -> None:
    opened = {"type": "app_home_opened", "user": OWNER_SLACK_ID, "tab": "home"}
    event = {"type": "event_callback", "event_id": "E1", "team_id": TEAM, "event": opened}
    path = data.draw(st.sampled_from(list(places(event))))
    answer = post(app, "events", json.dumps(spoilt(event, path, data.draw(NASTY))).encode())
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("pressed", ["answer:send", "answer:undo", "answer:strike:", "answer:x"])
def test_a_button_of_nothing_is_taken(
    app: Flask, posts: list[dict[str, Any]], about: str, pressed: str
) -> None:
    made = spoilt(posts[0], ("actions", 0), {"action_id": pressed, "value": about})
    made["trigger_id"] = f"1.{next(OCCASIONS)}"
    assert post(app, "interactions", urlencode({"payload": json.dumps(made)})).status_code == 200


def test_and_a_worker_is_done_with_all_of_it(office: Company) -> None:
    """Runs after them: what was stored is acted on or closed, and nothing comes back."""
    office.settle()
    left = rows(office, "select error from deliveries where done_at is null")
    assert left == []
