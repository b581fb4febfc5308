"""`demo --walk`: the main path walked by itself, looked at from outside.

Mails go into the mailbox, the button is pressed through Slack's stand-in, and what is
checked is what arrived: the outbox, the CRM, the timeline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from engine import tasks
from engine.cli import kill
from engine.cli.opening import company_zone
from engine.cli.tasks import timeline
from engine.demo import OWNER_SLACK_ID, World
from engine.errors import EngineError
from engine.postgres import connect

SAMPLES = ("lead", "complaint", "spam")
PATIENCE_SECONDS = 90.0
Found = TypeVar("Found")


class WalkStuck(EngineError):
    """The walk waited in vain."""

    code = "walk_stuck"


def walk_lead(world: World, local: Any, mail: Path | None, *, killing: bool = False) -> int:
    """Walk the lead's path, with the worker killed on it if wanted; returns the exit code."""
    from web.local.imap import drop

    began = time.monotonic()
    folder = world.settings.seeds_dir / "local" / "mails"
    files = [mail] if mail else [folder / f"{name}.eml" for name in SAMPLES]
    for file in files:
        drop(world.maildir, file.read_bytes())
        click.echo(f"mail in the mailbox: {file.name}")
    world.check_mailbox()
    started = until(lambda: _enough(_tasks(world), len(files)), "the tasks", world)
    for row in started:
        click.echo(f"task {row['number']} started: {row['subject_line']!r}")
    settled = until(lambda: _settled(world, len(files)), "the tasks to be classified", world)
    for row in settled:
        click.echo(f"task {row['number']}: {row['category'] or '?'} -> {row['status']}")
    lead = next((row for row in settled if row["asks"] == "approval"), None)
    if lead is None:
        return _told_without_approval(world, settled)
    if killing:
        kill.order(world)
    _press(world, "Send as is", lead["number"])
    click.echo(f"pressed “Send as is” in Slack for task {lead['number']}")
    if killing:
        kill.watch(
            world, local, lambda label: _press(world, label, lead["number"]),
            lambda look, what: until(look, what, world),
        )  # fmt: skip
    until(lambda: local.all("outbox") or None, "the mail in the outbox", world)
    sent = local.all("outbox")[-1]
    click.echo(f"in the outbox: to {', '.join(sent['to'])}: {sent['subject']!r}")
    until(lambda: _is(world, lead["number"], "completed"), "the task to complete", world)
    customer = next(
        (
            c
            for c in local.all("crm_customer")
            if (c["email"] or "").casefold() in map(str.casefold, sent["to"])
        ),
        None,
    )
    click.echo(
        f"in the CRM: {customer['name']} ({customer['status']})" if customer else "not in the CRM"
    )
    _print_timeline(world, lead["number"])
    click.echo(f"walked in {time.monotonic() - began:.1f} s")
    mails = len(local.all("outbox"))
    return 0 if customer and mails == 1 else 1


def _told_without_approval(world: World, settled: list[dict[str, Any]]) -> int:
    """A mail that is no lead: it went to a person, or ended."""
    for row in settled:
        _print_timeline(world, row["number"])
    return 0


def _tasks(world: World) -> list[dict[str, Any]]:
    with connect(world.dsn) as conn:
        return conn.execute(
            "select t.number, t.status, t.context ->> 'email_subject' as subject_line,"
            " t.context ->> 'category' as category,"
            " case when t.wait_token is not null then t.question ->> 'kind' end as asks"
            " from tasks t join sops s on s.id = t.sop_id where s.slug = 'new_lead_response'"
            " order by t.id"
        ).fetchall()


def _enough(rows: list[dict[str, Any]], wanted: int) -> list[dict[str, Any]] | None:
    return rows if len(rows) >= wanted else None


def _settled(world: World, wanted: int) -> list[dict[str, Any]] | None:
    """All tasks, once each waits for a person or has ended."""
    rows = _tasks(world)
    at_rest = ("waiting_on_human", "completed", "failed", "escalated", "cancelled")
    return rows if len(rows) >= wanted and all(r["status"] in at_rest for r in rows) else None


def _is(world: World, number: int, status: str) -> bool | None:
    with connect(world.dsn) as conn:
        now = tasks.get_by_number(conn, number).status
    if now in ("failed", "escalated", "cancelled"):
        raise WalkStuck(f"task {number} is {now}")
    return now == status or None


def _press(world: World, label: str, number: int) -> None:
    """Press a button of the question that the task asks, as a thumb would."""
    base = world.local_url

    def card() -> dict[str, Any] | None:
        with connect(world.dsn) as conn:
            return conn.execute(
                "select c.posted_channel, c.ts from tasks t"
                " join cards c on c.id = (t.question ->> 'id')::uuid"
                " where t.number = %s and c.ts is not null",
                [number],
            ).fetchone()

    found = until(card, "the card in Slack", world)
    reply = world.http.post(
        f"{base}/slack/_press",
        json={
            "channel": found["posted_channel"],
            "message_ts": found["ts"],
            "label": label,
            "user": OWNER_SLACK_ID,
        },
    ).json()
    if not reply.get("ok"):
        raise WalkStuck(f"pressing {label!r} was answered with {reply}")


def until(look: Callable[[], Found | None], what: str, world: World) -> Found:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        world.tend()
        time.sleep(0.2)
    raise WalkStuck(f"for {what}; see the logs in {world.folder}")


def _print_timeline(world: World, number: int) -> None:
    with connect(world.dsn) as conn:
        for line in timeline(conn, number, company_zone(world.settings)):
            click.echo(line)
