"""Five hundred customers, some of whom reply, bounce, unsubscribe or complain meanwhile.
The outbox, the CRM, the log and the tally agree, and no address gets two mails."""

from __future__ import annotations

import threading
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from engine import tallies, tasks
from engine.mail.ses import wire_message_id
from engine.tasks import Task
from tests.campaigns.hands import (
    batch_card,
    by_customer,
    customer,
    interactions,
    mails_by_address,
    no_customers,
    press,
)
from tests.engine.hands import answer, rows
from tests.guarantees import second_sends
from tests.world import Company
from web.local import LocalSettings, ses_reports, sns

pytestmark = pytest.mark.slow

MANY = 500
BOUNCING, COMPLAINING = range(20, 25), range(30, 33)
STRUCK, EDITED = range(40, 42), 50
LEAVING_BEFORE, LEAVING_AFTER = range(60, 64), range(70, 73)
REPLYING = range(80, 84)


def address(number: int) -> str:
    if number in BOUNCING:
        return f"bounce+{number}@example.com"
    if number in COMPLAINING:
        return f"complaint+{number}@example.com"
    return f"c{number}@example.com"


def settle(office: Company) -> None:
    """As a worker does: several threads carry what is runnable, then the rest settles."""

    def carry() -> None:
        while (run := office.claim()) is not None:
            office.carry(run)

    with office.runtime.database.statement("wake_due") as conn:
        tasks.sql.wake_due(conn)
    threads = [threading.Thread(target=carry) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.settle(rounds=5000)


def unsubscribe(office: Company, number: int) -> None:
    """The link in the mail, pressed by the customer's mail program."""
    from engine.mail.unsubscribe import unsubscribe_url

    path = unsubscribe_url(office.runtime.settings, address(number)).rpartition("/unsubscribe/")
    reply = httpx.post(
        f"{office.web_url}/unsubscribe/{path[2]}",
        data={"List-Unsubscribe": "One-Click"},
        timeout=30,
    )
    assert reply.status_code == 200


def report(office: Company, mails: list[dict[str, Any]]) -> None:
    """What SES says of them: signed posts of its topic."""
    settings = LocalSettings(engine_url=office.web_url)
    for mail in mails:
        for event in ses_reports.events(mail | {"configuration_set": "office"}):
            if event["eventType"] in ("Bounce", "Complaint"):
                sns.report(office.local, settings, f"{office.local_url}/ses", event).join()


def reply(office: Company, sent: dict[str, Any]) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = sent["to"][0], dict(sent["headers"])["Reply-To"]
    mail["Subject"] = f"Re: {sent['subject']}"
    mail["Message-ID"] = f"<reply-{sent['number']}@mail.example.com>"
    mail["In-Reply-To"] = wire_message_id(sent["id"], office.runtime.settings.ses_region)
    mail.set_content("Yes, please put us on the route again.")
    office.raw_mail(mail.as_bytes())


def campaign(office: Company) -> Task:
    no_customers(office)
    for n in range(MANY):
        customer(office, n, email=address(n))
    task = office.run_sop("past_customer_reactivation", trigger="the test")
    settle(office)
    return task


def test_everything_agrees(office: Company) -> None:
    task = campaign(office)
    assert f"{MANY} drafts wait for you" in batch_card(office)
    kids = by_customer(office, task)
    for n in STRUCK:
        answer(office, kids[f"T-{n:04}"], "refuse", settle=False, reason="Not them")
    answer(office, kids[f"T-{EDITED:04}"], "edit", settle=False, draft_subject="Your lawn",
           draft_body="Hi Anna,\n\nmay we come again?")  # fmt: skip
    press(office, f"Approve all {MANY - len(STRUCK) - 1}")
    for n in LEAVING_BEFORE:
        unsubscribe(office, n)
    with office.runtime.database.statement("undo is over") as conn:
        conn.execute("update clock set shift = shift + interval '6 minutes'")
    settle(office)
    sent = {mail["to"][0]: mail for mail in office.outbox}
    report(office, [sent[address(n)] for n in (*BOUNCING, *COMPLAINING)])
    for n in LEAVING_AFTER:
        unsubscribe(office, n)
    for n in REPLYING:
        reply(office, sent[address(n)])
    office.settle(rounds=1000)
    expected = {address(n) for n in range(MANY) if n not in (*STRUCK, *LEAVING_BEFORE)}
    assert mails_by_address(office) == dict.fromkeys(expected, 1)
    logged = interactions(office)
    assert {f"T-{n:04}" for n in range(MANY) if address(n) in expected} <= set(logged)
    with office.runtime.database.read() as conn:
        tally = tallies.of_children(conn, task.id)
    assert tally["total"] == MANY
    assert tally["sent"] == len(expected)
    assert tally["struck_out"] == len(STRUCK)
    assert tally["edited"] == 1
    assert tally["withheld"] == len(LEAVING_BEFORE)
    assert tally["bounced"] == len(BOUNCING)
    assert tally["complained"] == len(COMPLAINING)
    assert tally["opted_out"] == len(LEAVING_AFTER)
    assert tally["replied"] == len(REPLYING)
    out = "from effects where vendor = 'mail' and state = 'done'"
    assert rows(office, f"select count(*) as n {out}") == [{"n": len(expected)}]
    assert rows(office, f"select task_id {out} group by task_id, step_id having count(*) > 1") == []
    assert rows(office, second_sends()) == []
