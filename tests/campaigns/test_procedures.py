"""The other shipped procedures, each walked with a moved clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from engine.tasks import Task
from tests.campaigns.hands import (
    batch_card,
    by_customer,
    customer,
    interactions,
    mails_by_address,
    no_customers,
    press,
    report,
)
from tests.engine.hands import answer, children, question
from tests.world import Company


def run(office: Company, slug: str) -> Task:
    task = office.run_sop(slug, trigger="the test")
    office.settle()
    return task


# -- quotes -------------------------------------------------------------------------


def quoted(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_an_open_quote_is_asked_about_once(office: Company) -> None:
    no_customers(office)
    customer(office, 1, status="lead", quoted_at=quoted(1))
    customer(office, 2, status="lead")
    run(office, "quote_follow_up")
    assert not office.messages("#marketing"), "too early, and nothing quoted"

    office.pass_time(days=3)
    task = run(office, "quote_follow_up")
    assert [kid.subject for kid in children(office, task)] == ["T-0001"]
    assert "1 draft waits for you" in batch_card(office)
    assert not office.outbox
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c1@example.com": 1}
    assert interactions(office) == {"T-0001": 1}
    assert "1 of 1 mails are out" in report(office)

    office.pass_time(days=1)
    again = run(office, "quote_follow_up")
    assert children(office, again) == []
    assert office.see(again).status == "completed"


def test_who_signed_before_the_draft_is_left_alone(office: Company) -> None:
    no_customers(office)
    known = customer(office, 1, status="lead", quoted_at=quoted(4))
    with office.runtime.database.transaction("pause") as conn:
        conn.execute("update agents set status = 'paused' where slug = 'marketing'")
    office.run_sop("quote_question", customer_id="T-0001", customer_name=known["name"])
    office.local.put("crm_customer", "T-0001", known | {"status": "active"})
    with office.runtime.database.transaction("resume") as conn:
        conn.execute("update agents set status = 'active' where slug = 'marketing'")
    office.settle()
    assert not office.messages("#marketing")
    assert not office.requests("claude")


# -- reviews ------------------------------------------------------------------------


def test_a_review_is_asked_for_some_days_after_the_visit(office: Company) -> None:
    no_customers(office)
    today = date.today()
    customer(office, 1, status="active", last_service_at=today.isoformat())
    customer(office, 2, status="active", last_service_at=(today - timedelta(90)).isoformat())
    run(office, "review_request")
    assert not office.messages("#marketing")

    office.pass_time(days=3)
    task = run(office, "review_request")
    assert list(by_customer(office, task)) == ["T-0001"]
    assert "How did we do?" in batch_card(office)
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c1@example.com": 1}

    office.pass_time(days=2)
    assert children(office, run(office, "review_request")) == []


def test_a_customer_without_a_last_visit_does_not_stop_the_others(office: Company) -> None:
    no_customers(office)
    customer(office, 1, status="active", last_service_at=(date.today() - timedelta(3)).isoformat())
    customer(office, 2, status="active", last_service_at=None)
    task = run(office, "review_request")
    assert list(by_customer(office, task)) == ["T-0001"]
    assert not office.messages("#escalations")


# -- invoices -----------------------------------------------------------------------


def invoice(office: Company, number: int, overdue: int) -> None:
    due = date.today() - timedelta(days=overdue)
    made = {"id": f"INV-{number}", "customer_id": f"T-{number:04}", "number": str(number),
            "amount": "120.50", "currency": "USD", "paid": False,
            "due_on": due.isoformat()}  # fmt: skip
    office.local.put("crm_invoice", made["id"], made)


def stages(office: Company, task: Task) -> dict[str, int]:
    return {kid.context["invoice_id"]: kid.context["stage"] for kid in children(office, task)}


def test_an_invoice_is_brought_up_at_each_stage_once(office: Company) -> None:
    no_customers(office)
    customer(office, 1, status="active")
    invoice(office, 1, overdue=5)
    office.pass_time(hours=12)
    seen: list[dict[str, int]] = []
    for _ in range(32):
        task = run(office, "invoice_follow_up")
        if children(office, task):
            seen.append(stages(office, task))
            assert "Approve all 1" in batch_card(office, "#billing")
            press(office, "Approve all 1")
        office.pass_time(days=1)
    assert seen == [{"INV-1": stage} for stage in (7, 14, 21, 30)]
    assert mails_by_address(office) == {"c1@example.com": 4}
    assert all("invoice 1" in mail["subject"].lower() for mail in office.outbox)
    assert not any("/unsubscribe/" in mail["text"] for mail in office.outbox)


def test_nothing_about_an_invoice_goes_out_without_an_approval(office: Company) -> None:
    no_customers(office)
    for number, overdue in enumerate((8, 15, 22, 40), start=1):
        customer(office, number, status="active")
        invoice(office, number, overdue)
    task = run(office, "invoice_follow_up")
    assert sorted(stages(office, task).values()) == [7, 14, 21, 30]
    for _ in range(10):
        office.pass_time(days=1)
    assert not office.outbox
    assert {kid.status for kid in children(office, task)} == {"failed"}
    [told] = [m["text"] for m in office.messages("#escalations") if m["username"] == "Engine"
              and "reminded of" in m["text"]]  # fmt: skip
    assert told.startswith("Over:")


def test_an_invoice_of_nobody_is_asked_about(office: Company) -> None:
    no_customers(office)
    invoice(office, 77, overdue=9)
    task = run(office, "invoice_follow_up")
    [kid] = children(office, task)
    assert "not in the CRM" in question(office, kid)["title"]
    answer(office, kid, "done")
    assert not office.outbox
    assert office.see(task).status == "completed"
