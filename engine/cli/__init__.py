"""`bin/engine`: every command, and the one place that reaches both `web` and `jobs`.

A command that fails says so in one line: what, where, and the cure. Tracebacks are for
bugs of ours.
"""

from __future__ import annotations

import sys
from typing import Any

import click
import psycopg
from psycopg_pool import PoolTimeout

from engine.cli.groups import Group
from engine.errors import EngineError
from engine.postgres import COLLISIONS
from engine.version import version


class _Cli(Group):
    """Turns our own errors, and a database that cannot be reached, into one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EngineError as error:
            cure = error.facts.get("cure")
            _fail(f"{error}; {cure}" if cure else str(error))
        except PoolTimeout:
            _fail("The database does not answer. Is it running, and is DATABASE_URL right?")
        except COLLISIONS:
            _fail("Somebody else changed the same thing at the same moment, so nothing was done."
                  " Give the command again.")  # fmt: skip
        except psycopg.OperationalError as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
            _fail(f"The database cannot be reached: {first}. Check DATABASE_URL.")


def _fail(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


def _tell_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"bin/engine {version()}")
        ctx.exit()


@click.group(cls=_Cli, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_tell_version,
    help="Print the version, and exit.",
)  # fmt: skip
def cli() -> None:
    """Run a small company's back office from written procedures.

    \b
    Examples:
      bin/engine demo                      see it work, with nothing installed
      bin/engine check                     what is not configured yet
      bin/engine sop list                  the procedures
      bin/engine task show 12              what happened in task 12
    """


def _register() -> None:
    from engine.cli import (
        acts,
        agents,
        demo,
        intake,
        outlook,
        people,
        processes,
        slack,
        sops,
        tasks,
        watchers,
    )  # fmt: skip

    modules = (demo, processes, intake, sops, tasks, agents, acts, watchers, outlook, people, slack)
    for module in modules:
        for command in module.COMMANDS:
            cli.add_command(command)


_register()
