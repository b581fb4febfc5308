"""`bin/engine intake`: hand the engine a mail from a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from engine import intake
from engine.cli.groups import Group
from engine.cli.opening import opened_runtime
from engine.intake import VERDICTS
from engine.slack.text import counted


@click.group("intake", cls=Group)
def group() -> None:
    """Take in mails from files, as if they had come into the mailbox."""


@group.command("mail")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def mail(paths: tuple[Path, ...]) -> None:
    """Take in raw mails: files, or folders that are read to the bottom.

    \b
    A line for each message says what became of it:
      task        it started a task
      reply       it answers a mail of ours, and a person is asked
      loop        it is one too many in its thread today
      auto_reply  no person wrote it
      own         it is our own mail
      duplicate   it has been taken in before
      no_sender   it says nowhere who sent it

    \b
    Example:
      bin/engine intake mail letter.eml inbox/
    """
    tally: Counter[str] = Counter()
    tasks = 0
    with opened_runtime() as runtime:
        for file in _files(paths):
            taken = intake.take_mail(runtime, file.read_bytes(), source="file")
            tally[taken.verdict] += 1
            tasks += len(taken.tasks)
            numbers = ", ".join(f"task {task.number}" for task in taken.tasks)
            click.echo(f"{taken.verdict:<10}  {file}" + (f"  {numbers}" if numbers else ""))
    parts = [f"{tally[verdict]} {verdict}" for verdict in VERDICTS]
    click.echo(
        f"{counted(tally.total(), 'message')}: {', '.join(parts)}; {counted(tasks, 'task')} started"
    )


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
        else:
            yield path


COMMANDS = [group]
