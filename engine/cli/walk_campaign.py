"""`demo --walk campaign`: a campaign walked by itself, looked at from outside.

Twenty-five past customers: two are struck out and one mail is edited in Slack's dialog, the
others are approved by the card's button. One bounces, one customer unsubscribes, one
replies. At the end the outbox, the CRM and the tally in Slack must agree, and no address
may have two mails.
"""

from __future__ import annotations

import time
from collections import Counter
from email.message import EmailMessage
from typing import Any

import click

from engine import sops, tallies, tasks
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
    click.echo(f"one card in {card['channel']} for {_drafts(world, campaign)} drafts")
    _review(world, card)
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


def _drafts(world: World, campaign: Task) -> int:
    with connect(world.dsn) as conn:
        row = conn.execute(
            "select count(*)::int as n from batch_drafts d join tasks t on t.id = d.task_id"
            " where t.parent_id = %s",
            [campaign.id],
        ).fetchone()
    return row["n"] if row else 0


def _review(world: World, card: dict[str, Any]) -> None:
    """Two are struck out and one is edited, in Slack's dialog that shows them one by one."""
    _press(world, card, "Review one by one")
    for _ in range(3):
        _tap(world, "Next ▶")
    for _ in range(STRUCK_OUT):
        click.echo(f"struck out: draft {_place(world)}")
        _tap(world, "Strike out")
    click.echo(f"edited: draft {_place(world)}")
    _tap(world, "Edit first")
    form = _top(world)
    subject = next(b for b in form["blocks"] if b.get("block_id") == "field:draft_subject")
    changed = f"{subject['element']['initial_value']}, as last year"
    reply = _post(world, "_submit", view_id=form["id"], values={"draft_subject": changed})
    if not reply.get("ok"):
        raise WalkStuck(f"the edited mail was answered with {reply}")


def _place(world: World) -> str:
    """Which draft of how many stands there."""
    said = next(b for b in _top(world)["blocks"] if "*" in str(b) and " of " in str(b))
    return str(said["elements"][0]["text"]).split("*")[1]


def _tap(world: World, label: str) -> None:
    """A button of the dialog, which shows something else then."""
    before = _top(world)
    reply = _post(world, "_press", view_id=before["id"], label=label)
    if not reply.get("ok"):
        raise WalkStuck(f"pressing {label!r} was answered with {reply}")
    until(lambda: _top(world)["hash"] != before["hash"] or None, f"what {label!r} leads to", world)


def _top(world: World) -> dict[str, Any]:
    params = {"user": OWNER_SLACK_ID, "channel": "#marketing"}
    state = world.http.get(f"{world.local_url}/slack/_state", params=params).json()
    if not state["views"]:
        raise WalkStuck("no dialog stands open in Slack")
    return state["views"][-1]


def _post(world: World, what: str, **body: Any) -> dict[str, Any]:
    said = body | {"user": OWNER_SLACK_ID}
    return world.http.post(f"{world.local_url}/slack/{what}", json=said).json()


def _press(world: World, card: dict[str, Any], label: str) -> None:
    """Until the card offers it: it is drawn anew after each answer."""
    where = {"channel": card["posted_channel"], "message_ts": card["ts"], "label": label}

    def pressed() -> bool | None:
        return _post(world, "_press", **where).get("ok") or None

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
