"""A group of commands, whose help tells what each one does in a whole sentence."""

from __future__ import annotations

import click

WHOLE = 1000


class Group(click.Group):
    """click cuts a summary where the line ends; here it goes on in the next one."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        known = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(WHOLE))
            for name, command in known
            if command is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
