"""`bin/engine watcher`: what looks by itself for something to do, and whether it may."""

from __future__ import annotations

from typing import Any

import click

from engine import watcher_pauses, watchers
from engine.cli.groups import Group
from engine.cli.opening import opened_database
from engine.people import shell


@click.group("watcher", cls=Group)
def group() -> None:
    """Watchers: list, pause, resume."""


@group.command("list")
def list_() -> None:
    """The watchers: when they look, what they start, and how they stand."""
    with opened_database() as (_, database), database.read() as conn:
        for row in watchers.sql.list(conn):
            click.echo(_line(row))


@group.command()
@click.argument("name", nargs=-1, required=True)
def pause(name: tuple[str, ...]) -> None:
    """Have a watcher look no more and start no task, until it is resumed.

    What it has started goes on.

    \b
    Example:
      bin/engine watcher pause office mailbox
    """
    wanted = " ".join(name)
    with opened_database() as (_, database), database.transaction("pause_watcher") as conn:
        changed = watcher_pauses.pause(conn, wanted, shell())
    click.echo(f"{wanted}: paused, it starts no task" + ("" if changed else ", as before"))


@group.command()
@click.argument("name", nargs=-1, required=True)
def resume(name: tuple[str, ...]) -> None:
    """Have a watcher look again: once at once, however much it has missed.

    \b
    Example:
      bin/engine watcher resume office mailbox
    """
    wanted = " ".join(name)
    with opened_database() as (_, database), database.transaction("resume_watcher") as conn:
        changed = watcher_pauses.resume(conn, wanted, shell())
    click.echo(f"{wanted}: active, it looks now" if changed else f"{wanted}: active, as before")


def _line(row: dict[str, Any]) -> str:
    config = row["check_config"]
    looks = config["cron"] if "cron" in config else f"every {row['interval_seconds']} s"
    if "season" in config:
        looks += f" ({config['season']})"
    state = row["status"]
    if state == "active" and row["agent_status"] != "active":
        state = "agent " + row["agent_status"]
    wrong = f"fails ({row['last_error']}), {row['failures']} in a row" if row["failures"] else ""
    return f"{row['name']:<24} {state:<14} {looks:<22} {row['sop_slug']:<28} {wrong}".rstrip()


COMMANDS = [group]
