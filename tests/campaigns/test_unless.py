"""What an approved mail rests on is looked at once more before it leaves: an invoice that was
paid, a customer who signed or replied meanwhile, is not written to, and the card says why."""

from __future__ import annotations

import json

import pytest

from engine import sop_files
from engine.errors import SopInvalid
from tests.campaigns.hands import (
    batch_card,
    by_customer,
    customer,
    mails_by_address,
    no_customers,
    report,
)
from tests.campaigns.hands import press as press_batch
from tests.campaigns.test_procedures import invoice, quoted
from tests.campaigns.test_reactivation import campaign
from tests.engine.hands import (
    alarms,
    answer,
    children,
    procedure,
    question,
    setting,
    summaries,
)
from tests.engine.test_replies import reply_to
from tests.world import Company


def change(office: Company, kind: str, key: str, **fields: object) -> None:
    known = office.local.get(kind, key)
    assert known is not None
    office.local.put(kind, key, known | fields)


def two_invoices(office: Company):
    no_customers(office)
    for number in (1, 2):
        customer(office, number, status="active")
        invoice(office, number, overdue=8)
    task = office.run_sop("invoice_follow_up", trigger="the test")
    office.settle()
    return task


def test_an_invoice_that_is_paid_after_the_approval_is_not_reminded_of(office: Company) -> None:
    task = two_invoices(office)
    press_batch(office, "Approve all 2")
    change(office, "crm_invoice", "INV-1", paid=True)
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c2@example.com": 1}
    paid = by_customer(office, task)["T-0001"]
    assert office.see(paid).status == "completed"
    assert "withheld: the invoice is paid" in summaries(office, paid, "step_completed")
    assert "1 sent as drafted, 1 not sent after all" in batch_card(office, "#billing")
    assert "1 of 2 mails are out" in report(office, "#billing")
    assert "1 withheld" in report(office, "#billing")
    page = office.see(paid)
    assert page.context["withheld_because"] == "the invoice is paid"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_without_a_call_for_one_invoice_the_list_of_overdue_ones_tells(
    office: Company, status: int
) -> None:
    task = two_invoices(office)
    office.order("crm", "answer", status=status, path="/invoices/INV-", times=1000)
    press_batch(office, "Approve all 2")
    change(office, "crm_invoice", "INV-1", paid=True)
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c2@example.com": 1}
    paid = by_customer(office, task)["T-0001"]
    assert "withheld: the invoice is paid" in summaries(office, paid, "step_completed")
    assert alarms(office) == []


def test_where_the_crm_cannot_say_whether_it_is_open_a_person_is_asked_once(
    office: Company,
) -> None:
    task = two_invoices(office)
    office.order("crm", "answer", status=405, path="/invoices/INV-", times=1000)
    page = {"data": [], "meta": {"total": 2, "page": 1, "per_page": 50}}
    office.order("crm", "answer", status=200, path="/invoices/overdue", times=1000,
                 body=json.dumps(page))  # fmt: skip
    press_batch(office, "Approve all 2")
    office.pass_time(minutes=6)
    assert not office.outbox
    unsure = by_customer(office, task)["T-0001"]
    asked = question(office, unsure)
    assert asked["title"] == "Send this all the same?"
    assert "whether this invoice is still open" in str(asked["facts"])
    answer(office, unsure, "send")
    assert mails_by_address(office) == {"c1@example.com": 1}
    answer(office, by_customer(office, task)["T-0002"], "drop")
    assert mails_by_address(office) == {"c1@example.com": 1}


def test_a_part_payment_makes_the_mail_wrong_too(office: Company) -> None:
    task = two_invoices(office)
    press_batch(office, "Approve all 2")
    change(office, "crm_invoice", "INV-2", amount="20.50")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c1@example.com": 1}
    changed = by_customer(office, task)["T-0002"]
    assert "withheld: its amount has changed" in summaries(office, changed, "step_completed")


def test_what_changes_while_a_mail_waits_for_its_turn_counts(office: Company) -> None:
    two_invoices(office)
    # One mail in ten minutes: the second one has its slot, and waits for it.
    with setting(office, ses_sends_per_second=1 / 600):
        press_batch(office, "Approve all 2")
        office.pass_time(minutes=6)
        [sent] = mails_by_address(office)
        waiting = "INV-1" if sent == "c2@example.com" else "INV-2"
        change(office, "crm_invoice", waiting, paid=True)
        office.pass_time(minutes=30)
        office.pass_time(minutes=30)
    assert list(mails_by_address(office)) == [sent]


def test_a_crm_that_is_down_holds_the_mail_back(office: Company) -> None:
    two_invoices(office)
    press_batch(office, "Approve all 2")
    office.order("crm", "answer", status=503, times=1000)
    office.pass_time(minutes=6)
    assert not office.outbox
    change(office, "crm_invoice", "INV-1", paid=True)
    office.local.clear_faults()
    office.pass_time(minutes=30)
    assert mails_by_address(office) == {"c2@example.com": 1}


def test_who_signs_before_the_mail_leaves_is_left_alone(office: Company) -> None:
    task = campaign(office, 3)
    press_batch(office, "Approve all 3")
    season = office.see(task).context["season"]
    change(office, "crm_customer", "T-0001", signed_seasons=[season])
    change(office, "crm_customer", "T-0002", opted_out=True)
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c0@example.com": 1}
    kids = by_customer(office, task)
    said = [summaries(office, kids[name], "step_completed") for name in ("T-0001", "T-0002")]
    assert "withheld: they have signed for the season" in said[0]
    assert "withheld: they have opted out" in said[1]
    assert "2 withheld" in report(office)


def test_who_replies_before_the_reminder_leaves_is_left_alone(office: Company) -> None:
    task = campaign(office, 2)
    press_batch(office, "Approve all 2")
    office.pass_time(minutes=6)
    office.pass_time(days=6)
    press_batch(office, "Approve all 2")
    [nr] = [n for n, one in enumerate(office.outbox) if one["to"] == ["c0@example.com"]]
    reply_to(office, nr, "Yes, please come again.", From="c0@example.com")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c0@example.com": 1, "c1@example.com": 2}
    [reminder, *_] = children(office, by_customer(office, task)["T-0000"])
    assert "withheld: they have replied" in summaries(office, reminder, "step_completed")


def test_a_quote_that_is_accepted_needs_no_question(office: Company) -> None:
    no_customers(office)
    customer(office, 1, status="lead", quoted_at=quoted(4))
    office.run_sop("quote_follow_up", trigger="the test")
    office.settle()
    press_batch(office, "Approve all 1")
    change(office, "crm_customer", "T-0001", status="active")
    office.pass_time(minutes=6)
    assert not office.outbox


APPROVED = """
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: Shall it go?
    kind: approval
    choices: {send: {label: Send as is, undoable: true}, no: {label: No, goto: complete}}
    mail: {}
- key: send
  name: Send
  type: api_call
  config:
    service: email
    operation: send
    read_again: [customer]
    unless: {they have moved: customer_city != 'Edina'}
    otherwise: tell
- key: log
  name: Done
  type: query
  on_success: complete
  config: {cases: [{when: 'true', goto: complete}]}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'Not sent: {{withheld_because}}'}
"""


def test_a_card_of_its_own_says_why_and_the_procedure_goes_on_elsewhere(office: Company) -> None:
    from tests.engine.hands import begin

    no_customers(office)
    customer(office, 1)
    known = {"customer_id": "T-0001", "customer_email": "c1@example.com",
             "customer_name": "Bob", "draft_subject": "Hi", "draft_body": "Hello Bob"}  # fmt: skip
    task = begin(office, APPROVED, known, agent="marketing")
    answer(office, task, "send", settle=False)
    change(office, "crm_customer", "T-0001", city="Duluth")
    office.pass_time(minutes=1)
    assert not office.outbox
    card, told = office.messages("#marketing")[0], office.messages("#marketing")[-1]
    assert "Not sent after all: they have moved" in str(card["blocks"])
    assert "Not sent: they have moved" in told["text"]
    assert question(office, task)["state"] == "answered"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{service: crm, operation: opt_out, unless: {a: b}}", "are for email.send"),
        ("{service: email, operation: send, read_again: [invoice]}", "which is missing"),
        ("{service: email, operation: send, unless: {a: 'b ='}}", "condition"),
        ("{service: email, operation: send, unless: {a: b}, otherwise: nowhere}", "no step"),
    ],
)
def test_what_is_wrong_with_it_is_said_when_it_is_checked(config: str, said: str) -> None:
    step = f"- {{key: send, name: Send, type: api_call, config: {config}}}"
    with pytest.raises(SopInvalid, match=said):
        sop_files.parse(procedure(step), name="test")
