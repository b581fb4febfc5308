"""`bin/engine outlook`: who gets what until the end of tomorrow."""

from __future__ import annotations

import click

from engine import outlooks, tasks
from engine.cli.opening import opened_runtime
from engine.errors import TaskClosed
from engine.people import shell


@click.command()
@click.option(
    "--strike",
    type=int,
    help="First cancel the task with this number, which must stand on the outlook.",
)
def outlook(strike: int | None) -> None:
    """Who gets what until the end of tomorrow, by the company's clock. Looking changes nothing;
    --strike does.

    \b
    Examples:
      bin/engine outlook
      bin/engine outlook --strike 12
    """
    with opened_runtime() as runtime:
        if strike is not None:
            with runtime.database.transaction("strike") as conn:
                task = tasks.get_by_number(conn, strike)
                due = outlooks.ahead(conn, runtime.business).lines
                if task.id not in {line["id"] for line in due}:
                    raise TaskClosed(
                        f"task {strike} does not stand on the outlook;"
                        f" `bin/engine task cancel {strike}` ends it all the same"
                    )
                outlooks.strike(conn, task.id, shell())
            click.echo(f"task {strike} is struck out")
        with runtime.database.read() as conn:
            seen = outlooks.ahead(conn, runtime.business)
        zone = runtime.business.zone
    for moment, name in seen.scheduled:
        click.echo(f"{moment.astimezone(zone):%a %H:%M}  {name} starts")
    for row in seen.lines:
        who = f"  {row['customer']}" if row["customer"] else ""
        step = row["step_name"] or "begins"
        click.echo(
            f"{row['wake_at'].astimezone(zone):%a %H:%M}  task {row['number']}"
            f"  {row['sop_name']}: {step}{who}"
        )
    if not seen.lines and not seen.scheduled:
        click.echo("Nothing is due until the end of tomorrow.")


COMMANDS = [outlook]
