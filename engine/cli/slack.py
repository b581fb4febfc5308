"""`bin/engine slack`: what sets the Slack app up."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from engine.errors import NotAllowed
from engine.settings import Settings, read_settings
from engine.slack import web_api
from engine.slack.manifest import manifest

SECONDS = 10.0


@click.group("slack")
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
        raise NotAllowed(f"WEB_BASE_URL is {base}, and Slack takes nothing but https://")
    click.echo(manifest(base), nl=False)


@group.command()
def setup() -> None:
    """Make the channels of the settings where they are missing, and join them."""
    settings = read_settings()
    channels = web_api.from_settings(settings).channels
    for name in channel_names(settings):
        channel_id = channels.prepare(name, timeout=SECONDS)
        click.echo(f"{name:<20} {channel_id}")


def channel_names(settings: Settings) -> list[str]:
    fields = [name for name in type(settings).model_fields if name.startswith("channel_")]
    return list(dict.fromkeys(getattr(settings, name) for name in fields))


COMMANDS = [group]
