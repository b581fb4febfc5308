"""A mail that was not sent is told of as not sent: in the channel, and in the CRM."""

from __future__ import annotations

import pytest

from engine.tasks import Task
from tests.engine.hands import answer, begin, children, question, sent, vendors_have_answered
from tests.engine.test_settling import MAIL, SEND
from tests.world import Company

OTHERWISE = (
    SEND.replace("send}", "send, otherwise: instead}", 1)
    + """
  on_success: complete
- key: instead
  name: Instead
  type: slack_notify
  config: {text: 'Call {{draft_mail.to_name}} instead.'}
"""
)


def refused_lead(office: Company) -> Task:
    """A lead is answered, and the provider refuses the mail."""
    office.order("ses", "answer", status=400, body='{"message": "no"}')
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    assert office.see(task).status == "escalated"
    return task


def told(office: Company, channel: str = "#leads-incoming") -> str:
    return str([message["text"] for message in office.messages(channel)])


def logged(office: Company) -> list[str]:
    return [one["json"]["kind"] for one in sent(office, "crm", path="/interactions")]


def test_a_lead_that_one_went_on_without_answering_is_recorded_as_unanswered(
    office: Company,
) -> None:
    task = refused_lead(office)
    done = answer(office, task, "skip")

    assert (done.status, office.outbox, logged(office)) == ("completed", [], [])
    assert "Answered Rachel" not in told(office)
    assert "The reply to Rachel Sandberg was not sent." in told(office)
    # A lead it is all the same, who waits for a quote.
    [written] = sent(office, "crm", path="/customers?")
    assert written["json"]["email"] == "rachel.sandberg@example.com"
    assert [child.subject for child in children(office, task)] == [done.subject]


def test_a_reply_that_went_out_at_the_second_try_is_told_of(office: Company) -> None:
    task = refused_lead(office)
    done = answer(office, task, "retry")
    assert (done.status, len(office.outbox), logged(office)) == ("completed", 1, ["email_sent"])
    assert "Answered Rachel Sandberg" in told(office)


def test_a_reply_that_somebody_dropped_is_not_told_of_either(office: Company) -> None:
    office.order("ses", "drop_before")
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    vendors_have_answered(office)
    answer(office, task, "drop")
    answer(office, task, "skip")
    assert (office.outbox, logged(office)) == ([], [])
    assert "was not sent" in told(office)


def test_a_reply_that_a_person_says_went_out_is_told_of(office: Company) -> None:
    """Without a report of the vendor nobody knows its id; that it is out, a person does."""
    office.order("ses", "drop_after")
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    vendors_have_answered(office)
    done = answer(office, task, "sent")
    assert (done.status, len(office.outbox), logged(office)) == ("completed", 1, ["email_sent"])
    assert "Answered Rachel Sandberg" in told(office)


def test_a_send_that_one_goes_on_without_leads_where_unsent_mails_lead(office: Company) -> None:
    office.order("ses", "answer", status=400, times=2)
    task = begin(office, OTHERWISE, MAIL)
    assert answer(office, task, "skip").status == "completed"
    assert "Call Anna Berg instead." in told(office)
    assert "The mail is out." not in told(office)

    task = begin(office, SEND, MAIL, slug="plain")
    assert answer(office, task, "skip").status == "completed", "and ends where none is named"
    assert "The mail is out." not in told(office)


CUSTOMER = {"customer_id": "C-1001", "customer_name": "Anna Lindqvist", "season": "lawn-2027",
            "customer_email": "anna.lindqvist@example.com", "customer_services": "fertilizer",
            "customer_status": "active", "customer_invoice_number": "1", "invoice_id": "INV-1",
            "customer_invoice_amount": "10.00 USD", "stage": 7, "days_overdue": 8}  # fmt: skip


@pytest.mark.parametrize(
    "slug",
    ["reactivation_mail", "reactivation_reminder", "review_mail", "quote_question",
     "invoice_reminder"],
)  # fmt: skip
def test_no_campaign_tells_of_a_mail_that_was_refused(office: Company, slug: str) -> None:
    anna = office.local.get("crm_customer", "C-1001") or {}
    status = "lead" if slug == "quote_question" else "active"
    office.local.put("crm_customer", "C-1001", anna | {"status": status})
    office.local.put("crm_invoice", "INV-1", {"id": "INV-1", "customer_id": "C-1001",
        "number": "1", "amount": "10.00", "currency": "USD", "due_on": "2026-01-01",
        "paid": False})  # fmt: skip
    office.order("ses", "answer", status=400)
    task = office.run_sop(slug, **CUSTOMER)
    office.settle()
    if question(office, task)["kind"] != "approval":
        answer(office, task, "use", draft_subject="Hello", draft_body="Hi Anna, thanks.")
    answer(office, task, "send", settle=False)
    office.pass_time(minutes=6)
    assert (office.see(task).status, office.outbox, logged(office)) == ("failed", [], [])
    assert children(office, task) == []
