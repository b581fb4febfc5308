"""`bin/engine agent`: who does the work, and how much of it at once. Pausing is in `acts.py`."""

from __future__ import annotations

import click

from engine import agents
from engine.cli.groups import Group
from engine.cli.opening import opened_database
from engine.people import shell

MOST_AT_ONCE = 10_000


@click.group("agent", cls=Group)
def group() -> None:
    """Agents: list, pause, resume, limit."""


@group.command("list")
def list_agents() -> None:
    """The agents and what they are doing."""
    with opened_database() as (_, database), database.read() as conn:
        for agent in agents.list_all(conn):
            limit = agents.said_limit(agent.max_concurrent_tasks)
            click.echo(f"{agent.slug:<18} {agent.status:<9} {limit + ' at once':<19} {agent.name}")


@group.command()
@click.argument("slug")
@click.argument("number", metavar="NUMBER|none")
def limit(slug: str, number: str) -> None:
    """How many of an agent's tasks may run at once, over all workers; `none` lifts it.

    Tasks that wait for a person or a timer do not count.

    \b
    Examples:
      bin/engine agent limit marketing 3
      bin/engine agent limit marketing none
    """
    wanted = None if number == "none" else _number(number)
    with opened_database() as (_, database), database.transaction("set_limit") as conn:
        changed = agents.set_limit(conn, slug, wanted, by=str(shell()))
    said = f"{slug}: {agents.said_limit(wanted)} at once"
    click.echo(said if changed else f"{said}, as before")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= MOST_AT_ONCE:
        raise click.BadParameter(
            f"{text!r} is neither `none` nor a number from 1 to {MOST_AT_ONCE};"
            " to hold all of its tasks: bin/engine agent pause",
            param_hint="NUMBER",
        )
    return int(text)


COMMANDS = [group]
