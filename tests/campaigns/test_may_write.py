"""Whoever would be refused is not drafted to: no model is asked, and no person."""

from __future__ import annotations

from engine import suppressions
from engine.keyed_hash import contact_hash
from engine.suppressions import Reason
from tests.campaigns.hands import (
    by_customer,
    customer,
    mails_by_address,
    no_customers,
    press,
    report,
)
from tests.campaigns.test_occasions import again, days
from tests.campaigns.test_reactivation import SOP, campaign
from tests.campaigns.test_unless import two_invoices
from tests.engine.hands import answer, begin, children, question, rows, summaries
from tests.engine.test_effects import SEND
from tests.world import Company

OFFER = {"to": "c1@example.com", "subject": "Hi", "text": "Hello", "commercial": True,
         "unsubscribe_url": "https://x.example/u"}  # fmt: skip


def suppress(office: Company, address: str, reason: Reason) -> None:
    with office.runtime.database.transaction("suppress") as conn:
        suppressions.add(conn, contact_hash(office.runtime.settings, address), reason)


def drafts(office: Company) -> int:
    return len(office.requests("claude"))


def test_who_opted_out_or_bounced_costs_no_draft_and_is_counted(office: Company) -> None:
    suppress(office, "c0@example.com", "unsubscribed")
    suppress(office, "c2@example.com", "bounced")
    before = drafts(office)
    task = campaign(office, 4)
    assert drafts(office) - before == 2
    kids = by_customer(office, task)
    assert office.see(kids["T-0000"]).status == "completed"
    assert (
        office.see(kids["T-0000"]).context["withheld_because"] == "this customer has unsubscribed"
    )
    assert "withheld: suppressed_bounced" in summaries(office, kids["T-0002"], "step_completed")
    press(office, "Approve all 2")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c1@example.com": 1, "c3@example.com": 1}
    assert "2 of 4 mails are out" in report(office)
    assert "2 withheld · 0 failed" in report(office)
    # For the season they have had their turn.
    assert children(office, again(office)) == []


def test_who_had_an_offer_lately_is_asked_about_once_the_gap_is_over(office: Company) -> None:
    begin(office, SEND, {"draft_mail": OFFER}, slug="other", agent="marketing")
    no_customers(office)
    customer(office, 1)
    before = drafts(office)
    for _ in range(2):
        task = again(office)
        [kid] = children(office, task)
        assert (kid.status, kid.question) == ("completed", None)
        assert drafts(office) == before
        days(office, 5)
    days(office, 6)
    [kid] = children(office, again(office))
    assert kid.status == "waiting_on_human"
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c1@example.com": 2}
    assert children(office, again(office)) == []


def test_the_reminder_of_an_offer_is_drafted_as_ever(office: Company) -> None:
    campaign(office, 1)
    press(office, "Approve all 1")
    for _ in range(9):
        office.pass_time(days=1)
    [reminder] = rows(office, "select t.status from tasks t join sops s on s.id = t.sop_id"
                              " where s.slug = 'reactivation_reminder'")  # fmt: skip
    assert reminder["status"] == "waiting_on_human"


def test_an_invoice_of_who_cannot_be_mailed_is_a_call_to_make(office: Company) -> None:
    suppress(office, "c1@example.com", "opted_out")
    task = two_invoices(office)
    kid = by_customer(office, task)["T-0001"]
    assert "llm_called" not in office.events(kid)
    asked = question(office, kid)
    assert asked["title"].endswith(" days overdue: use the phone")
    assert "this customer has opted out" in str(asked["facts"])
    assert ["Phone", "612-555-0001"] in asked["facts"]
    answer(office, kid, "done", settle=False)
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c2@example.com": 1}
    assert "1 withheld" in report(office, "#billing")


def test_what_the_provider_refused_is_no_contact_for_another_task(office: Company) -> None:
    office.order("ses", "answer", status=400, times=1)
    refused = begin(office, SEND, {"draft_mail": OFFER}, slug="other", agent="marketing")
    assert refused.error == "refused:400"
    no_customers(office)
    customer(office, 1)
    task = office.run_sop(SOP, trigger="the test")
    office.settle()
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c1@example.com": 1}
    # And that one is a contact again.
    third = begin(office, SEND, {"draft_mail": OFFER}, slug="third", agent="marketing")
    assert third.error == "refused:contacted_recently"
    assert "1 of 1 mails are out" in report(office)
    assert office.see(task).status == "waiting_on_timer"
