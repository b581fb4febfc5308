"""`bin/engine task`: look at tasks and act on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import click

from engine import daily_summary, lost_cards, questions, sops, task_events, task_list, tasks
from engine.answers import Answer
from engine.cli.groups import Group
from engine.cli.opening import company_zone, opened_database
from engine.errors import NotFound
from engine.moments import stamp
from engine.people import shell
from engine.postgres import Connection
from engine.slack.text import counted
from engine.tasks import Task

STATUSES = sorted(task_list.OPEN | tasks.FINISHED)


@click.group("task", cls=Group)
def group() -> None:
    """Tasks: list, show, answer, cancel, rerun; not-spam, and a card that was lost."""


@group.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only tasks of this status.")
@click.option("--sop", metavar="SLUG", help="Only tasks of this procedure.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
def list_(status: str | None, sop: str | None, limit: int) -> None:
    """The newest tasks: number, status, procedure, step, and when they began by the company's
    clock.

    \b
    Example:
      bin/engine task list --status waiting_on_human
    """
    with opened_database() as (settings, database), database.read() as conn:
        zone = company_zone(settings)
        rows = tasks.sql.page(conn, status=status, sop=sop, before=None, limit=limit)
        if sop and not rows:
            sops.active(conn, sop)  # says which there are, where this is none of them
        if not rows:
            click.echo("no such task" if status or sop else "no task yet", err=True)
        widest = max((len(row["sop"]) for row in rows), default=0)
        for row in rows:
            where = row["step_name"] or ""
            click.echo(
                f"{row['number']:>6}  {row['status']:<17} {row['sop']:<{widest}}  {where:<26}"
                f" {stamp(row['created_at'], zone)}"
            )


@group.command()
@click.argument("number", type=int)
def show(number: int) -> None:
    """One task: where it stands, what it asks, and its timeline, in seconds since it began.

    \b
    Example:
      bin/engine task show 12
    """
    with opened_database() as (settings, database), database.read() as conn:
        for line in timeline(conn, number, company_zone(settings)):
            click.echo(line)


def timeline(conn: Connection, number: int, zone: ZoneInfo) -> Iterator[str]:
    """A task as lines to print."""
    task = tasks.get_by_number(conn, number)
    sop = sops.get(conn, task.sop_id)
    yield f"Task {task.number}  {sop.name} v{sop.version}  {task.status}"
    yield f"  {_times(task, zone)}"
    if task.question and task.question["state"] in questions.OPEN:
        options = ", ".join(option["value"] for option in task.question["options"])
        yield f"  asks: {task.question['title']} ({options})"
    events = task_events.timeline(conn, task.id)
    if not events:
        return
    start = events[0]["created_at"]
    cost = 0
    for event in events:
        cost += event["cost_usd"] or 0
        yield _line(event, (event["created_at"] - start).total_seconds())
    yield f"  {counted(len(events), 'event')}, ${cost:.4f}"


def _times(task: Task, zone: ZoneInfo) -> str:
    ended, wakes = task.finished_at, task.wake_at
    told = f"began {stamp(task.created_at, zone)}"
    if ended is not None:
        return f"{told}, ended {stamp(ended, zone)}"
    if task.status == "waiting_on_timer" and wakes is not None:
        return f"{told}, goes on {stamp(wakes, zone)}"
    return told


def _line(event: dict[str, Any], seconds: float) -> str:
    facts = []
    if event["duration_ms"] is not None:
        facts.append(f"{event['duration_ms']} ms")
    if event["tier"]:
        facts.append(f"tier {event['tier']}")
    if event["tokens_in"] is not None:
        facts.append(
            f"{event['tokens_in']}+{event['tokens_cached'] or 0}/{event['tokens_out']} tokens"
        )
    if event["cost_usd"] is not None:
        facts.append(f"${event['cost_usd']:.6f}")
    if event["confidence"] is not None:
        facts.append(f"confidence {event['confidence']:.2f}")
    if event["actor"]:
        facts.append(f"by {event['actor']}")
    summary = event["output_summary"] or ""
    return (
        f"  {event['seq']:>3} {seconds:>8.2f} s  {event['event_type']:<17}"
        f" {event['step_key'] or '':<14} {summary[:60]:<32} {', '.join(facts)}"
    ).rstrip()


@group.command()
@click.argument("number", type=int)
@click.argument("choice")
@click.option(
    "--set", "values", multiple=True, metavar="KEY=VALUE",
    help="A field of the choice's form; once for each.",
)  # fmt: skip
def answer(number: int, choice: str, values: tuple[str, ...]) -> None:
    """Answer a waiting task's question.

    CHOICE is one of those that `bin/engine task show` lists behind what the task asks.

    \b
    Examples:
      bin/engine task answer 12 send
      bin/engine task answer 12 edit --set draft_subject="Your lawn"
    """
    fields = {key: text for key, _, text in (value.partition("=") for value in values)}
    with opened_database() as (settings, database), database.transaction("answer") as conn:
        task = tasks.get_by_number(conn, number)
        if task.question is None:
            raise NotFound(f"a question of task {number}; it asks nothing")
        token = questions.token_of(task.question)
        questions.answer(conn, settings, token, Answer(choice, fields), shell())
        click.echo(f"task {number}: {choice}")


@group.command()
@click.argument("number", type=int)
@click.option("--reason", default="", help="Why; it stands in the task's log.")
def cancel(number: int, reason: str) -> None:
    """End a task before it sends, posts or writes anything more.

    \b
    Example:
      bin/engine task cancel 12 --reason "called them"
    """
    with opened_database() as (_, database), database.transaction("cancel") as conn:
        task = tasks.get_by_number(conn, number)
        done = tasks.cancel(conn, task.id, by=str(shell()), reason=reason)
        click.echo(f"task {number}: {done.status if done.finished_at else 'cancelling'}")


@group.command("not-spam")
@click.argument("number", type=int)
def not_spam(number: int) -> None:
    """Bring back what was taken for spam: it goes on to the draft.

    \b
    Example:
      bin/engine task not-spam 12
    """
    with opened_database() as (_, database), database.transaction("not_spam") as conn:
        task = tasks.get_by_number(conn, number)
        daily_summary.not_spam(conn, sops.Procedures(), task.id, shell())
        click.echo(f"task {number}: goes on as no spam")


@group.command()
@click.argument("number", type=int)
def card(number: int) -> None:
    """Post a task's card in Slack again, where it was lost there.

    \b
    Example:
      bin/engine task card 12
    """
    with opened_database() as (settings, database), database.transaction("post_again") as conn:
        posted = lost_cards.post_again(conn, settings, number, shell())
        click.echo(f"task {number}: its card is posted again in {posted.channel}")


@group.command()
@click.argument("number", type=int)
@click.option("--step", help="The step's key, as `sop show` lists them.")
def rerun(number: int, step: str | None) -> None:
    """Have a task go on from a step again; without --step, from the one where it stands. What
    that step sends, it sends again.

    \b
    Example:
      bin/engine task rerun 12 --step draft
    """
    with opened_database() as (_, database), database.transaction("rerun") as conn:
        task = tasks.get_by_number(conn, number)
        procedure = sops.procedure(conn, task.sop_id)
        wanted = procedure.by_key(step) if step else procedure.step(task.step_id)
        tasks.rerun(conn, task.id, wanted.id, by=str(shell()))
        click.echo(f"task {number}: runs again")


COMMANDS = [group]
