"""The manifest asks for what the adapter calls, and no more than it says."""

from pathlib import Path

import yaml

import engine.slack

MANIFEST = Path(engine.slack.__file__).with_name("manifest.yaml")


def test_it_names_the_three_addresses_and_the_commands():
    manifest = yaml.safe_load(MANIFEST.read_text())
    host = "https://ENGINE_HOST/webhooks/slack"
    settings = manifest["settings"]
    assert settings["interactivity"]["request_url"] == f"{host}/interactions"
    assert settings["event_subscriptions"]["request_url"] == f"{host}/events"
    commands = manifest["features"]["slash_commands"]
    assert {c["command"]: c["url"] for c in commands} == {
        "/sop": f"{host}/commands",
        "/agent": f"{host}/commands",
    }


def test_it_never_asks_to_post_where_it_was_not_invited():
    scopes = yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"]
    assert "chat:write.public" not in scopes
    assert {"chat:write", "chat:write.customize", "channels:history", "commands"} <= set(scopes)
