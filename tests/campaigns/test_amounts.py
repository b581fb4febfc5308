"""Sums of money as a customer reads them, and as they are compared."""

from __future__ import annotations

from engine.tasks import Task
from tests.campaigns.hands import batch_card, by_customer, customer, no_customers, press
from tests.campaigns.test_procedures import invoice
from tests.campaigns.test_unless import change
from tests.engine.hands import answer, question, summaries
from tests.world import Company


def reminder(office: Company, amount: str) -> Task:
    no_customers(office)
    customer(office, 1, status="active")
    invoice(office, 1, overdue=8)
    change(office, "crm_invoice", "INV-1", amount=amount)
    task = office.run_sop("invoice_follow_up", trigger="the test")
    office.settle()
    return by_customer(office, task)["T-0001"]


def test_a_sum_has_its_cents_and_its_thousands(office: Company) -> None:
    asked = question(office, reminder(office, "12480.5"))
    assert ["Amount", "12,480.50 USD"] in asked["facts"]
    assert "12,480.50 USD" in asked["mail"]["body"]
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    [mail] = office.outbox
    assert "12,480.50 USD" in mail["text"]


def test_a_sum_that_is_written_otherwise_has_not_changed(office: Company) -> None:
    task = reminder(office, "480.5")
    press(office, "Approve all 1")
    change(office, "crm_invoice", "INV-1", amount="480.500")
    office.pass_time(minutes=6)
    assert len(office.outbox) == 1, summaries(office, task, "step_completed")


def test_one_that_was_approved_before_the_cents_were_written_has_not_changed(
    office: Company,
) -> None:
    """Begun by an older version, which wrote the CRM's own digits."""
    begun = reminder(office, "480.5").context
    older = office.run_sop("invoice_reminder", **begun | {"customer_invoice_amount": "480.5 USD"})
    office.settle()
    answer(office, older, "send", settle=False)
    office.pass_time(minutes=6)
    assert len(office.outbox) == 1, summaries(office, older, "step_completed")


def test_a_cent_is_a_change(office: Company) -> None:
    task = reminder(office, "480.5")
    press(office, "Approve all 1")
    change(office, "crm_invoice", "INV-1", amount="480.51")
    office.pass_time(minutes=6)
    assert not office.outbox
    assert "withheld: its amount has changed" in summaries(office, task, "step_completed")
    assert "1 not sent after all" in batch_card(office, "#billing")
