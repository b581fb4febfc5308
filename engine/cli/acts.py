"""What `/sop` and `/agent` do in Slack, from a shell: the same functions, the same words."""

from __future__ import annotations

import re

import click

from engine import agents, commands, readmission
from engine.cli.agents import group as agent_group
from engine.cli.opening import opened_runtime
from engine.people import shell


def _say(text: str, *, command: str = "/sop", agent: str = "") -> None:
    with opened_runtime() as runtime:
        if agent:
            with runtime.database.read() as conn:
                agents.get_by_slug(conn, agent)
        said = commands.answer(runtime, text, shell(), command=command)
        # What Slack sets in bold.
        click.echo(re.sub(r"\*(\S(?:[^*\n]*\S)?)\*", r"\1", said))


@click.command()
@click.option("--reason", default="", help="Why; for those who ask.")
def stop(reason: str) -> None:
    """Hold every effect of every task back, at once; `bin/engine go` lifts it.

    \b
    Example:
      bin/engine stop --reason "wrong prices"
    """
    _say(f"stop {reason}")


@click.command()
def go() -> None:
    """Lift the stop: what was held goes out.

    \b
    Example:
      bin/engine go
    """
    _say("resume")


@click.command()
def status() -> None:
    """What is open, who is away, and whether anything is held.

    \b
    Example:
      bin/engine status
    """
    _say("status")


@click.command()
@click.argument("email")
@click.argument("day", nargs=-1, required=True)
def away(email: str, day: tuple[str, ...]) -> None:
    """An owner is away until a day: campaigns wait, questions go to the other owner.

    \b
    Examples:
      bin/engine away chris@example.com until friday
      bin/engine away chris@example.com 2026-12-01
    """
    _say(f"away {email} {' '.join(day)}")


@click.command()
@click.argument("email")
def back(email: str) -> None:
    """An owner is here again.

    \b
    Example:
      bin/engine back chris@example.com
    """
    _say(f"back {email}")


@click.command("write-again")
@click.argument("address")
@click.argument("why", required=False, type=click.Choice(list(readmission.WHYS)))
def write_again(address: str, why: str | None) -> None:
    """Whether somebody has opted out; with a reason, have them written to again.

    \b
    asked      they have asked for mail again
    mistake    it was not meant, or entered by mistake
    repaired   the address works again

    \b
    Examples:
      bin/engine write-again anna@example.com
      bin/engine write-again anna@example.com asked
    """
    _say(f"write-again {address} {why or ''}")


@agent_group.command()
@click.argument("slug")
def pause(slug: str) -> None:
    """Hold an agent's tasks, from their next effect on.

    \b
    Example:
      bin/engine agent pause lead_response
    """
    _say(f"pause {slug}", command="/agent", agent=slug)


@agent_group.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Let an agent's tasks go on.

    \b
    Example:
      bin/engine agent resume lead_response
    """
    _say(f"resume {slug}", command="/agent", agent=slug)


COMMANDS = [stop, go, status, away, back, write_again]
