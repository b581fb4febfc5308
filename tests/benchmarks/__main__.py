"""`bin/bench SCENARIO [--json]`: see docs/performance.md for what each one shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from engine.errors import EngineError
from tests.benchmarks import ack, backlog, latency, sleepers, soak, workflow
from tests.benchmarks.server import benchmark_database

as_json = click.option("--json", "as_json", is_flag=True, help="One object instead of a table.")
with_peers = click.option(
    "--peers", "with_peers", is_flag=True, help="Also DBOS, absurd and pgqueuer, from PyPI."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Speed and memory, measured on a durable PostgreSQL of its own.

    \b
    Examples:
      bin/bench workflow --concurrency 10 --json
      bin/bench sleepers --peers
      bin/bench backlog --scale 0.01
    """


@bench.command("workflow")
@click.option("--concurrency", default=10, show_default=True)
@click.option("--tasks", "count", default=3000, show_default=True)
@with_peers
@as_json
def workflow_(concurrency: int, count: int, with_peers: bool, as_json: bool) -> None:
    """Five steps with the full audit, against the server's own commit limit."""
    title = f"{count} tasks of five steps, {concurrency} at once"
    _show(title, as_json, workflow.measure, concurrency=concurrency, count=count,
          with_peers=with_peers)  # fmt: skip


@bench.command("sleepers")
@click.option("--tasks", "count", default=500, show_default=True)
@click.option("--seconds", default=1.0, show_default=True)
@with_peers
@as_json
def sleepers_(count: int, seconds: float, with_peers: bool, as_json: bool) -> None:
    """Tasks that wait for a slow vendor, 50 and 200 at once, or for the clock."""
    title = f"{count} tasks that wait {seconds:g} s"
    _show(title, as_json, sleepers.measure, count=count, seconds=seconds, with_peers=with_peers)


@bench.command("latency")
@click.option("--tasks", "count", default=400, show_default=True)
@as_json
def latency_(count: int, as_json: bool) -> None:
    """How soon an idle worker takes up a task that another process has started."""
    _show(f"{count} tasks, one by one, idle worker", as_json, latency.measure, count=count)


@bench.command("backlog")
@click.option("--scale", default=1.0, show_default=True, help="1: a million finished tasks.")
@as_json
def backlog_(scale: float, as_json: bool) -> None:
    """Claims and pages over 100k pending and 1M finished tasks with 10M events."""
    _show(f"backlog at scale {scale:g}, milliseconds", as_json, backlog.measure, scale=scale)


@bench.command("ack")
@click.option("--clicks", default=200, show_default=True)
@as_json
def ack_(clicks: int, as_json: bool) -> None:
    """Slack's clicks, signed, to the real web process while a worker is fully loaded."""
    _show(f"{clicks} clicks under load", as_json, ack.measure, clicks=clicks)


@bench.command("soak")
@click.option("--tasks", "count", default=10_000, show_default=True)
@as_json
def soak_(count: int, as_json: bool) -> None:
    """A week of work by a clock that is moved: does anything grow?"""
    _show(f"{count} tasks in a week", as_json, soak.measure, count=count)


def _show(title: str, as_json: bool, measure: Callable[..., dict[str, Any]], **given: Any) -> None:
    try:
        with benchmark_database() as dsn:
            found = measure(dsn, **given)
    except EngineError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(title)
    for name, value in found.items():
        if isinstance(value, list):
            for row in value:
                facts = "  ".join(f"{key} {said}" for key, said in row.items())
                click.echo(f"  {facts}")
        else:
            click.echo(f"  {name:<26} {value}")


if __name__ == "__main__":
    bench(prog_name="bin/bench")
