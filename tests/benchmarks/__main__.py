"""`bin/bench workflow [--concurrency 10] [--tasks 3000] [--json]`"""

from __future__ import annotations

import json

import click

from tests.benchmarks import workflow


@click.group()
def bench() -> None:
    """Speed and memory, as ratios taken in one run on this machine."""


@bench.command("workflow")
@click.option("--concurrency", default=10, show_default=True)
@click.option("--tasks", "count", default=3000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One object instead of a table.")
def workflow_(concurrency: int, count: int, as_json: bool) -> None:
    """Five steps with the full audit, against the server's own commit limit."""
    found = workflow.measure(concurrency=concurrency, count=count)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:<20} {value}")


bench(prog_name="bin/bench")
