"""The manifest asks for what the code calls and offers what it answers, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import commands
from engine.settings import PROJECT
from engine.slack.manifest import manifest
from tests.engine.test_questions import command
from tests.world import Company, company
from web import create_app

BASE = "https://office.example/engine"
# What Slack's reference asks for each method. Private channels have scopes of their own.
SCOPES = {
    "auth.test": set(),
    "chat.postMessage": {"chat:write", "chat:write.customize"},
    "chat.update": {"chat:write"},
    "chat.delete": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history"},
    "conversations.replies": {"channels:history", "groups:history"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.create": {"channels:manage"},
    "conversations.join": {"channels:join"},
    "views.open": set(),
    "views.push": set(),
    "views.update": set(),
    "views.publish": set(),
}


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, web=False) as here:
        yield here


def read() -> dict[str, Any]:
    return yaml.safe_load(manifest(BASE))


def called() -> set[str]:
    code = "".join(file.read_text() for file in (PROJECT / "engine" / "slack").glob("*.py"))
    found = re.findall(r'"((?:auth|chat|conversations|views|users|im)\.[A-Za-z]+)"', code)
    return set(found)


def test_its_scopes_are_those_of_the_methods_that_are_called():
    needed = set().union(*(SCOPES[method] for method in called())) | {"commands"}
    assert set(read()["oauth_config"]["scopes"]["bot"]) == needed


def test_every_address_is_one_that_answers(office: Company):
    app = create_app(office.runtime)
    routes = {rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    addresses = re.findall(r"https://\S+", re.sub(r"(?m)^\s*#.*$", "", manifest(BASE)))
    assert len(addresses) == 4
    assert {address.removeprefix(BASE) for address in addresses} == {
        "/webhooks/slack/interactions", "/webhooks/slack/events", "/webhooks/slack/commands",
    }  # fmt: skip
    assert {address.removeprefix(BASE) for address in addresses} <= routes


def test_its_commands_and_their_hints_are_what_is_answered():
    offered = {one["command"]: one for one in read()["features"]["slash_commands"]}
    known = {"/sop": commands.SOP, "/agent": commands.AGENT}
    assert offered.keys() == known.keys()
    for name, verbs in known.items():
        hinted = {part.split()[0] for part in offered[name]["usage_hint"].split("|")}
        assert hinted == verbs.keys(), name


def test_its_events_and_its_home_tab_are_what_is_read():
    found = read()
    assert found["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert found["features"]["app_home"]["home_tab_enabled"] is True
    assert found["settings"]["interactivity"]["is_enabled"] is True
    assert found["settings"]["socket_mode_enabled"] is False


def test_the_command_prints_it_for_this_address(office: Company):
    office_url = office.runtime.settings.web_base_url
    refused = command(office, "slack", "manifest")
    assert refused.exit_code == 1
    assert office_url in refused.output
    assert "https" in refused.output


def test_its_lengths_are_what_slack_takes():
    found = read()
    assert len(found["display_information"]["name"]) <= 35
    assert len(found["display_information"]["description"]) <= 140
    for one in found["features"]["slash_commands"]:
        assert len(one["description"]) <= 2000
        assert len(one["usage_hint"]) <= 1000
    assert "ENGINE_HOST" not in str(found)
