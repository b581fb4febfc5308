"""`bin/chaos --kills 100 --seed 7`"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.chaos import storm, storm_plan
from tests.chaos.storm_accounts import Books
from tests.chaos.storm_occasions import MOST

EXAMPLES = """
A small company works while its processes are killed: leads come by mail and by web form,
tasks mail, post, write to the CRM, fan out and wait; a person answers every question.
Workers and web are killed, workers frozen past their lease and woken up, PostgreSQL is
crashed, connections are cut, and the vendors' stand-ins drop calls, hang and refuse.
Afterwards what arrived at the vendors is held against the list of what happened.

\b
  bin/chaos                             a hundred kills, about six minutes
  bin/chaos --kills 20 --seed 3         a short one, by another seed
  bin/chaos --seed 3 --plan             only say what that seed will do
  bin/chaos --json > books.json         the closing figures as one object

Ends with 1 where anything was lost, stuck or done twice. Progress goes to stderr.
"""


@click.command(help=EXAMPLES)
@click.option("--kills", default=100, show_default=True, type=click.IntRange(1, 2000),
              help="How often a worker or the web is killed (SIGKILL).")  # fmt: skip
@click.option("--seed", default=7, show_default=True, help="The same seed, the same plan.")
@click.option("--workers", default=3, show_default=True, type=click.IntRange(1, 20),
              help="Worker processes at a time.")  # fmt: skip
@click.option("--tasks", type=click.IntRange(1, MOST), help="Occasions that start tasks."
              "  [default: three for two kills]")  # fmt: skip
@click.option("--lease", default=30.0, show_default=True, type=click.FloatRange(2, 120),
              help="Seconds of a lease; 30 is what the engine ships with.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One object instead of the table.")
@click.option("--plan", "only_plan", is_flag=True, help="Print the plan and end.")
@click.option("--keep", is_flag=True, help="Keep the folder with database and logs.")
def chaos(
    kills: int, seed: int, workers: int, tasks: int | None, lease: float, as_json: bool,
    only_plan: bool, keep: bool,
) -> None:  # fmt: skip
    plan = storm_plan.draw(seed, kills=kills, tasks=tasks or min(kills * 3 // 2, MOST), lease=lease)
    if only_plan:
        click.echo("\n".join(plan.lines))
        return
    folder = Path(tempfile.mkdtemp(prefix="engine-chaos-", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "plan.log").write_text("\n".join(plan.lines) + "\n")
    began = time.monotonic()
    click.echo(f"seed {seed}: {len(plan.strokes)} strokes, {len(plan.occasions)} occasions;"
               f" plan and logs in {folder}", err=True)  # fmt: skip
    books = storm.run(plan, folder, workers=workers, durable=True,
                      say=lambda line: click.echo(f"{time.monotonic() - began:6.1f} {line}",
                                                  err=True))  # fmt: skip
    click.echo(json.dumps(books.as_dict()) if as_json else table(books))
    if keep or not books.well:
        click.echo(f"kept: {folder}", err=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if books.well else 1)


def table(books: Books) -> str:
    rows = [
        ("seed", f"{books.seed}"),
        ("kills", f"{books.kills}"),
        ("tasks", f"{books.tasks}"),
        ("completed", f"{books.completed}"),
        ("cancelled by a person", f"{books.cancelled}"),
        ("lost", f"{books.lost}"),
        ("stuck", f"{books.stuck}"),
        ("duplicate effects", f"{books.duplicate_effects}"),
        ("in doubt", f"{books.in_doubt}, of {books.cut_short} calls that were cut short"),
        ("duplicate events", f"{books.duplicate_events}"),
        ("from kill to resume", f"median {books.resume_median_s} s, max {books.resume_max_s} s,"
                                f" of {books.resumed} runs"),
        ("took", f"{books.seconds} s"),
    ]  # fmt: skip
    lines = [*books.findings, *(f"{name:<22} {value}" for name, value in rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    chaos(prog_name="bin/chaos")
