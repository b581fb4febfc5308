"""`demo --walk campaign`: a campaign walked by itself, looked at from outside.

Twenty-five past customers: two are struck out, one mail is edited, the others are approved
by the card's button. One bounces, one customer unsubscribes, one replies. At the end the
outbox, the CRM and the tally in Slack must agree, and no address may have two mails.
"""

from __future__ import annotations

import time
from collections import Counter
from email.message import EmailMessage
from typing import Any

import click

from engine import questions, sops, tallies, tasks
from engine.answers import Answer
from engine.cli.walk import WalkStuck, until
from engine.demo import OWNER_SLACK_ID, World
from engine.llm.names import odd_case
from engine.mail.ses import wire_message_id
from engine.people import shell
from engine.postgres import connect
from engine.tasks import Task

CUSTOMERS = 25
STRUCK_OUT = 2
BOUNCING = "bounce+walk@example.com"


def walk_campaign(world: World, local: Any) -> int:
    """Walk it; returns the exit code."""
    began = time.monotonic()
    _customers(local)
    campaign = _start(world)
    click.echo(f"task {campaign.number}: past customer reactivation, {CUSTOMERS} customers")
    card = until(lambda: _posted(world), "the card with all drafts", world)
    drafts = _children(world, campaign)
    click.echo(f"one card in {card['channel']} for {len(drafts)} drafts")
    struck, edited = _answer_some(world, drafts)
    for number in struck:
        click.echo(f"struck out: task {number}")
    click.echo(f"edited: task {edited}")
    together = CUSTOMERS - STRUCK_OUT - 1
    _press(world, card, f"Approve all {together}")
    click.echo(f"pressed “Approve all {together}” in Slack")
    sent = CUSTOMERS - STRUCK_OUT
    until(lambda: local.count("outbox") >= sent or None, "the mails in the outbox", world)
    click.echo(f"in the outbox: {local.count('outbox')} mails")
    _reply(world, local)
    _unsubscribe(world, local)
    wanted = {"sent": sent, "replied": 1, "bounced": 1, "opted_out": 1}
    tally = until(lambda: _tally(world, campaign, wanted), f"a tally with {wanted}", world)
    click.echo("counted: " + ", ".join(f"{n} {name}" for name, n in tally.items() if n))
    told = until(lambda: _told(world, sent), "the tally in Slack", world)
    click.echo(f"in #marketing: {told.splitlines()[0]}")
    problems = list(_problems(local, tally))
    for problem in problems:
        click.echo(f"does not agree: {problem}")
    if not problems:
        click.echo("the outbox, the CRM and the tally agree; no address got two mails")
    click.echo(f"walked in {time.monotonic() - began:.1f} s")
    return 1 if problems else 0


def _customers(local: Any) -> None:
    """As many past customers as the walk is about, one of whose mailbox is gone."""
    fit = [
        one
        for one in local.all("crm_customer")
        if one["status"] == "past" and {"fertilizer", "weed_control"} & set(one["services"])
        and one["email"] and not odd_case(one["name"])
    ]  # fmt: skip
    chosen = {one["id"] for one in fit[:CUSTOMERS]}
    if len(chosen) < CUSTOMERS:
        raise WalkStuck(f"seeds/local/customers.yaml has {len(chosen)} customers for it")
    for one in local.all("crm_customer"):
        kept = one["id"] in chosen
        changes = {"status": "past" if kept else "lost", "signed_seasons": [], "opted_out": False}
        local.put("crm_customer", one["id"], one | changes)
    last = fit[CUSTOMERS - 1]
    bouncing = (local.get("crm_customer", last["id"]) or last) | {"email": BOUNCING}
    local.put("crm_customer", last["id"], bouncing)


def _start(world: World) -> Task:
    with connect(world.dsn) as conn, conn.transaction():
        sop = sops.active(conn, "past_customer_reactivation")
        task = tasks.start(conn, sop.id, context={"trigger": "the walk"}, actor=str(shell()))
        assert task is not None  # noqa: S101 - without a dedupe key a task always starts
        return task


def _posted(world: World) -> dict[str, Any] | None:
    with connect(world.dsn) as conn:
        return conn.execute(
            "select posted_channel, ts, channel from cards where kind = 'batch' and ts is not null"
        ).fetchone()


def _children(world: World, campaign: Task) -> list[Task]:
    with connect(world.dsn) as conn:
        rows = conn.execute(
            "select * from tasks where parent_id = %s order by number", [campaign.id]
        ).fetchall()
    return [Task(**row) for row in rows]


def _answer_some(world: World, drafts: list[Task]) -> tuple[list[int], int]:
    """Two are struck out and one is edited, through the one door."""
    *struck, edited = drafts[3 : 3 + STRUCK_OUT + 1]
    with connect(world.dsn) as conn:
        for task in struck:
            _answer(world, conn, task, Answer("refuse", {"reason": "Struck out"}))
        subject = f"{(edited.question or {})['mail']['subject']}, {edited.context['customer_city']}"
        body = (edited.question or {})["mail"]["body"]
        fields = {"draft_subject": subject, "draft_body": body}
        _answer(world, conn, edited, Answer("edit", fields))
    return [task.number for task in struck], edited.number


def _answer(world: World, conn: Any, task: Task, given: Answer) -> None:
    # As the walk's worker and web have it: nobody waits five minutes.
    undo = int(world.extra["BATCH_UNDO_SECONDS"])
    settings = world.settings.model_copy(update={"batch_undo_seconds": undo})
    with conn.transaction():
        token = questions.token_of(task.question or {})
        questions.answer(conn, settings, token, given, shell())


def _press(world: World, card: dict[str, Any], label: str) -> None:
    """Until the card offers it: it is drawn anew after each answer."""
    press = {
        "channel": card["posted_channel"],
        "message_ts": card["ts"],
        "label": label,
        "user": OWNER_SLACK_ID,
    }

    def pressed() -> bool | None:
        reply = world.http.post(f"{world.local_url}/slack/_press", json=press).json()
        return reply.get("ok") or None

    until(pressed, f"the button {label!r}", world)


def _reply(world: World, local: Any) -> None:
    """One customer answers, as a mail program does."""
    from web.local.imap import drop

    sent = local.all("outbox")[0]
    headers = dict(sent["headers"])
    mail = EmailMessage()
    mail["From"], mail["To"] = sent["to"][0], headers.get("Reply-To") or headers["From"]
    mail["Subject"] = f"Re: {sent['subject']}"
    mail["Message-ID"] = "<reply-of-the-walk@mail.example.com>"
    mail["In-Reply-To"] = wire_message_id(sent["id"], world.settings.ses_region)
    mail.set_content("Yes, please put us on the route again. Thank you!")
    drop(world.maildir, mail.as_bytes())
    world.check_mailbox()
    click.echo("one customer replied")


def _unsubscribe(world: World, local: Any) -> None:
    """The one-click address of another one's mail, posted to as a mail program does."""
    sent = next(m for m in local.all("outbox")[1:] if m["to"] != [BOUNCING])
    url = dict(sent["headers"])["List-Unsubscribe"].split("<")[-1].partition(">")[0]
    one_click = {"List-Unsubscribe": "One-Click"}
    reply = world.http.post(url, data=one_click)
    if reply.status_code != 200:
        raise WalkStuck(f"unsubscribing was answered with {reply.status_code}")
    click.echo("one customer unsubscribed")


def _tally(world: World, campaign: Task, wanted: dict[str, int]) -> dict[str, int] | None:
    with connect(world.dsn) as conn:
        tally = tallies.of_children(conn, campaign.id)
    return tally if wanted.items() <= tally.items() else None


def _told(world: World, sent: int) -> str | None:
    reply = world.http.get(f"{world.local_url}/slack/_messages", params={"channel": "#marketing"})
    said = [message["text"] for message in reply.json()["messages"]]
    return next((text for text in said if f"{sent} of {CUSTOMERS} mails are out" in text), None)


def _problems(local: Any, tally: dict[str, int]) -> Any:
    """What does not agree, a line each."""
    mails = Counter(mail["to"][0].casefold() for mail in local.all("outbox"))
    for address, count in mails.items():
        if count > 1:
            yield f"{count} mails went to one address of the outbox ({address})"
    logged = Counter(
        one["customer_id"] for one in local.all("crm_interaction") if one["kind"] == "email_sent"
    )
    emails = {one["id"]: str(one["email"]).casefold() for one in local.all("crm_customer")}
    if {emails[customer] for customer in logged} != set(mails) or set(logged.values()) != {1}:
        yield f"the CRM has {sum(logged.values())} mails, the outbox {sum(mails.values())}"
    parts = ("sent", "struck_out", "withheld", "passed_over", "failed", "cancelled", "open")
    expected = {"total": CUSTOMERS, "sent": len(mails), "struck_out": STRUCK_OUT, "edited": 1}
    for name, count in expected.items():
        if tally[name] != count:
            yield f"{name} is {tally[name]} in the tally, and should be {count}"
    if sum(tally[name] for name in parts) != tally["total"]:
        yield "the tally's parts do not add up"
