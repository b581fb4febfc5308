"""A day after a lead was answered the owners are reminded of its quote: of this one's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.tasks import Task
from tests.campaigns.hands import customer, no_customers
from tests.engine.hands import answer, children, question, set_clock
from tests.engine.test_acquaintance import form
from tests.world import Company

LEAD = {
    "name": "Alice Stone", "email": "alice@new.example", "phone": "612-555-0107",
    "message": "Can I get a quote for snow removal this winter?",
}  # fmt: skip
ALICE = {"name": LEAD["name"], "email": LEAD["email"], "status": "lead"}
REMINDER = "No quote yet for Alice Stone"


def answered_lead(office: Company, **known: object) -> Task:
    """What is due after Alice's web form was answered; the CRM knows her already."""
    # A Monday morning, so that a day later is a working day.
    set_clock(office, "2026-12-07T09:30-06:00")
    no_customers(office)
    customer(office, 7, **ALICE, **known)
    lead = form(office, **LEAD)
    answer(office, lead, "send")
    [due] = children(office, lead)
    return due


@pytest.mark.parametrize("quoted", ["2025-07-01T12:00:00+00:00", "2026-12-06T23:00:00-06:00"])
def test_a_quote_of_before_the_lead_is_none(office: Company, quoted: str) -> None:
    due = answered_lead(office, quoted_at=quoted)
    office.pass_time(days=2)
    assert question(office, due)["title"] == REMINDER


@pytest.mark.parametrize(
    "quoted",
    [
        "2026-12-07T16:00:00+00:00",
        "2026-12-07T10:00:00-06:00",
        "2026-12-08T01:00:00+09:00",
        # The CRM knows the day alone.
        "2026-12-07T00:00:00+00:00",
    ],
)
def test_a_quote_since_then_needs_no_reminder(office: Company, quoted: str) -> None:
    due = answered_lead(office)
    known = office.local.get("crm_customer", "T-0007")
    assert known is not None
    office.local.put("crm_customer", "T-0007", known | {"quoted_at": quoted})
    office.pass_time(days=2)
    assert office.see(due).status == "completed"
    assert not [m for m in office.messages("#escalations") if REMINDER in m["text"]]


def test_without_any_quote_it_is_brought_up(office: Company) -> None:
    due = answered_lead(office)
    office.pass_time(days=2)
    assert question(office, due)["title"] == REMINDER


def test_a_quote_that_went_out_before_the_mail_came_in_counts(office: Company) -> None:
    """The mailbox was not read for three days, and somebody has quoted by hand meanwhile."""
    sent = datetime.now(UTC) - timedelta(days=3)
    no_customers(office)
    quoted = (sent + timedelta(days=1)).isoformat()
    customer(office, 7, **ALICE, quoted_at=quoted)
    raw = (
        f"From: Alice Stone <alice@new.example>\r\nTo: office@snowmass.example\r\n"
        f"Subject: Snow removal\r\nMessage-ID: <a@new.example>\r\n"
        f"Date: {sent:%a, %d %b %Y %H:%M:%S} +0000\r\n\r\n{LEAD['message']}\r\n"
    )
    [lead] = office.raw_mail(raw.encode()).tasks
    office.settle()
    answer(office, lead, "send")
    [due] = children(office, lead)
    office.pass_time(days=5)
    assert office.see(due).status == "completed"
