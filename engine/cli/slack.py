"""`bin/engine slack`: what sets the Slack app up."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from engine.cli.groups import Group
from engine.errors import SettingsInvalid
from engine.settings import Settings, read_settings
from engine.slack import web_api
from engine.slack.manifest import manifest

SECONDS = 10.0


@click.group("slack", cls=Group)
def group() -> None:
    """Slack: print the app's manifest, make the channels."""


@group.command("manifest")
def print_manifest() -> None:
    """The app's manifest for this engine's address, to be pasted at api.slack.com/apps.

    \b
    Example:
      WEB_BASE_URL=https://office.example bin/engine slack manifest
    """
    base = read_settings().web_base_url
    if urlsplit(base).scheme != "https":
        raise SettingsInvalid(f"WEB_BASE_URL is {base}, and Slack takes nothing but https://")
    click.echo(manifest(base), nl=False)


@group.command()
def setup() -> None:
    """Make the channels of the settings where they are missing, and join them.

    \b
    Example:
      bin/engine slack setup
    """
    settings = read_settings()
    if not settings.slack_bot_token.get_secret_value():
        raise SettingsInvalid("SLACK_BOT_TOKEN is empty; docs/slack.md says where Slack shows it")
    channels = web_api.from_settings(settings).channels
    for name in channel_names(settings):
        channel_id = channels.prepare(name, timeout=SECONDS)
        click.echo(f"{name:<20} {channel_id}")


def channel_names(settings: Settings) -> list[str]:
    fields = [name for name in type(settings).model_fields if name.startswith("channel_")]
    return list(dict.fromkeys(getattr(settings, name) for name in fields))


COMMANDS = [group]
