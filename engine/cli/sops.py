"""`bin/engine sop`: procedures as files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from engine import (
    agents,
    books,
    hand_starts,
    refusals,
    sop_files,
    sops,
    tasks,
    unknown_names,
    verdicts,
)
from engine.cli.groups import Group
from engine.cli.opening import opened_database, opened_runtime
from engine.crm import adapters
from engine.crm.needs import lacking
from engine.errors import ContextLacking, SettingsInvalid, SopInvalid
from engine.hand_starts import Lack
from engine.people import shell
from engine.postgres import Connection
from engine.settings import read_settings
from engine.slack.text import counted
from engine.sop_files import Checked
from engine.steps.contract import Step
from engine.verdicts import Record


@click.group("sop", cls=Group)
def group() -> None:
    """Procedures: list, show, validate, import, export, run."""


@group.command("list")
def list_() -> None:
    """The procedures: slug, version, status, and the agent that runs them."""
    with opened_database() as (_, database), database.read() as conn:
        rows = list(sops.sql.list(conn))
        widest = max((len(row["slug"]) for row in rows), default=0)
        for row in rows:
            click.echo(
                f"{row['slug']:<{widest}} v{row['version']:<3} {row['status']:<9}"
                f" {row['agent']:<16} {counted(row['steps'], 'step'):<8}  {row['name']}"
            )


@group.command()
@click.argument("slug")
def show(slug: str) -> None:
    """The steps of the active version, and how people judged what they drafted.

    \b
    Example:
      bin/engine sop show new_lead_response
    """
    with opened_runtime() as runtime, runtime.database.read() as conn:
        procedure = sops.procedure(conn, sops.active(conn, slug).id)
        agent = agents.get(conn, procedure.sop.agent_id)
        click.echo(f"{procedure.sop.name}: {slug} v{procedure.sop.version}, {agent.slug}")
        for step in procedure.steps:
            click.echo(
                f"{step.position:>3}  {step.key:<18} {step.step_type:<16} {_tiers(step):<9}"
                f" {step.name}"
            )
            for record in verdicts.of_step(conn, runtime, procedure, agent, step):
                for line in _told(conn, record):
                    click.echo(f"{'':>5}{line}")


def _tiers(step: Step) -> str:
    if not step.llm_tier:
        return "no model"
    highest = max(step.max_llm_tier, step.llm_tier)
    return f"tier {step.llm_tier}" + (f"-{highest}" if highest > step.llm_tier else "")


def _told(conn: Connection, record: Record) -> Iterator[str]:
    tally = record.tally
    yield f"{record.series.model or 'no model'}: {tally.counted()}; {tally.bounded()}"
    if tally.changed is not None:
        yield f"  edits changed {tally.changed:.0%} of the words on average"
    why = [f"{refusals.in_words(code)} ({n})" for code, n in verdicts.reasons(conn, record.series)]
    if why:
        yield f"  refused for: {', '.join(why)}"


@group.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Exit 1 on a warning too.")
def validate(files: tuple[Path, ...], strict: bool) -> None:
    """Check procedure files without a database.

    Every problem is a line, and the file is not usable. What can be used but will hardly do
    what was meant is a warning: a name that nothing gives by that step, and what the CRM in
    the settings cannot do. The procedures in the same folder are read for what they hand on.

    \b
    Examples:
      bin/engine sop validate seeds/sops/*.yaml
      bin/engine sop validate --strict my_procedure.yaml
    """
    usable, bad = [], False
    for file in files:
        try:
            usable.append((file, sop_files.read(file)))
        except SopInvalid as error:
            bad = True
            click.echo(error.detail, err=True)
    book = books.of_files(usable)
    for file, checked in usable:
        click.echo(f"{file}: {checked.file.slug}, {counted(len(checked.configs), 'step')}, usable")
        for said in (*unknown_names.warnings(book, checked.file.slug), *_lacking(checked)):
            bad = bad or strict
            click.echo(f"{file}: warning: {said}", err=True)
    sys.exit(1 if bad else 0)


def _lacking(checked: Checked) -> list[str]:
    """What the CRM of these settings could not do. Without usable settings nothing is said:
    a file can be checked where nothing else is set up."""
    try:
        settings = read_settings()
        crm = adapters.from_settings(settings)
    except SettingsInvalid:
        return []
    keys = (step.key for step in checked.file.steps)
    return list(lacking(zip(keys, checked.configs, strict=True), crm, settings))


@group.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--draft", is_flag=True, help="Leave it as a draft; do not publish.")
def import_(files: tuple[Path, ...], draft: bool) -> None:
    """Make a file the next version of its procedure, and publish it. What `sop validate` warns
    of is said here too, by the procedures in use, and holds nothing back.

    \b
    Example:
      bin/engine sop import new_lead_response.yaml
    """
    checked = [sop_files.read(file) for file in files]
    with opened_database() as (_, database), database.transaction("import") as conn:
        for one in checked:
            sop = sop_files.save(conn, one, origin="import", by=str(shell()), publish=not draft)
            click.echo(f"{sop.slug} v{sop.version}: {sop.status}")
        book = books.in_use(conn, checked)
        for file, one in zip(files, checked, strict=True):
            for said in unknown_names.warnings(book, one.file.slug):
                click.echo(f"{file}: warning: {said}", err=True)


@group.command()
@click.argument("slug")
@click.option("--to", type=click.Path(path_type=Path), help="A file; otherwise it is printed.")
def export(slug: str, to: Path | None) -> None:
    """The active version as a file; imported again it is the same.

    \b
    Example:
      bin/engine sop export new_lead_response --to new_lead_response.yaml
    """
    with opened_database() as (_, database), database.read() as conn:
        text = sop_files.export(conn, sops.active(conn, slug))
    if to is None:
        click.echo(text, nl=False)
    else:
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.FileError(str(to), error.strerror) from None


@group.command()
@click.argument("slug")
@click.option(
    "--set", "values", multiple=True, metavar="KEY=VALUE",
    help="A key that the task begins with; once for each.",
)  # fmt: skip
@click.option("--anyway", is_flag=True, help="Start it though it lacks what its steps read.")
def run(slug: str, values: tuple[str, ...], anyway: bool) -> None:
    """Start a task of a procedure's active version.

    A procedure that a mail, a watcher or another procedure starts reads what that one gives:
    what is lacking is named, and nothing starts without --anyway.

    \b
    Examples:
      bin/engine sop run past_customer_reactivation
      bin/engine sop run quote_due --set customer_id=c-17
    """
    given: dict[str, str] = {}
    for value in values:
        key, found, text = value.partition("=")
        if not found or not key:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE", param_hint="--set")
        given[key] = text
    with opened_database() as (_, database), database.transaction("run_sop") as conn:
        sop = sops.active(conn, slug)
        lack = hand_starts.lack_of(conn, sop, given)
        if lack.is_grave and not anyway:
            raise ContextLacking(f"{slug}: {lack}", cure=_cure(lack))
        if lack.unread:
            click.echo(f"nothing in {slug} reads {', '.join(lack.unread)}", err=True)
        context = {"trigger": "the command line", **given}
        task = tasks.start(conn, sop.id, context=context, actor=str(shell()))
        assert task is not None  # noqa: S101 - without a dedupe key a task always starts
        click.echo(f"task {task.number} started")


def _cure(lack: Lack) -> str:
    names = lack.missing or lack.meant
    give = "give " + " ".join(f"--set {name}=…" for name in names)
    mail = ", or a mail: bin/engine intake mail FILE" if lack.by_mail else ""
    return f"{give}{mail}, or --anyway"


COMMANDS = [group]
