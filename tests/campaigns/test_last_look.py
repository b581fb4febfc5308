"""A mail that did not get out is looked at once more before it is tried again: what has
changed meanwhile counts as it does before the first try."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from engine import effects, tasks
from engine.mail import ses
from engine.step_run import Run
from engine.tasks import Task
from tests.campaigns.hands import by_customer, mails_by_address, no_customers
from tests.campaigns.test_unless import change, two_invoices
from tests.engine.hands import (
    answer,
    begin,
    expire_lease,
    question,
    rerun,
    summaries,
    vendors_have_answered,
)
from tests.engine.test_replies import reply_to
from tests.world import Company

OFFER = """
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: Shall it go?
    kind: approval
    choices: {send: {label: Send as is}}
    mail: {}
- key: send
  name: Send
  type: api_call
  on_success: complete
  config: {service: email, operation: send}
- key: second
  name: Approve the second
  type: slack_ask_human
  config:
    title: Shall it go, too?
    kind: approval
    choices: {send: {label: Send as is}}
    mail: {commercial: true}
- key: send_second
  name: Send the second
  type: api_call
  config: {service: email, operation: send}
"""
Hold = Callable[[Company, pytest.MonkeyPatch], None]


def asked_to_wait(office: Company, _: pytest.MonkeyPatch) -> None:
    """SES asks for a pause."""
    office.order("ses", "answer", status=429, times=1)
    office.pass_time(minutes=6)


def unreachable(office: Company, _: pytest.MonkeyPatch) -> None:
    """Nobody is at its address when it is called."""
    there, business = office.runtime.mailer, office.runtime.business
    away = office.runtime.settings.model_copy(update={"ses_endpoint_url": "http://127.0.0.1:1"})
    object.__setattr__(office.runtime, "mailer", ses.from_settings(away, business))
    office.carry(its_turn(office))
    object.__setattr__(office.runtime, "mailer", there)


def told_to_stop(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker loses the task between the intent and the call."""
    run = its_turn(office)

    def freeze(_: float) -> None:
        run.lease_until -= 60

    # The module's own name for it: `time.sleep` itself belongs to every thread there is.
    monkeypatch.setattr(effects, "time", SimpleNamespace(sleep=freeze))
    office.carry(run)
    monkeypatch.undo()
    expire_lease(office, run.task)


def its_turn(office: Company) -> Run:
    """The seconds for Undo are over, and a worker has taken it."""
    with office.runtime.database.statement("later") as conn:
        conn.execute("update clock set shift = shift + interval '6 minutes'")
    with office.runtime.database.statement("wake_due") as conn:
        tasks.sql.wake_due(conn)
    run = office.claim()
    assert run is not None
    return run


def held_back(office: Company, task: Task) -> None:
    assert not office.outbox
    assert office.events(task).count("effect_intended") == 1
    assert office.events(task).count("effect_refused") == 1


@pytest.mark.parametrize("hold", [asked_to_wait, unreachable, told_to_stop])
def test_an_invoice_that_is_paid_meanwhile_is_not_reminded_of(
    office: Company, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = by_customer(office, two_invoices(office))["T-0001"]
    answer(office, kid, "send", settle=False)
    hold(office, monkeypatch)
    held_back(office, kid)
    change(office, "crm_invoice", "INV-1", paid=True)
    office.pass_time(hours=2)
    assert not office.outbox
    assert "withheld: the invoice is paid" in summaries(office, kid, "step_completed")


@pytest.mark.parametrize("hold", [asked_to_wait, unreachable, told_to_stop])
def test_where_nothing_has_changed_it_goes_out_once(
    office: Company, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = by_customer(office, two_invoices(office))["T-0001"]
    answer(office, kid, "send", settle=False)
    hold(office, monkeypatch)
    held_back(office, kid)
    office.pass_time(hours=2)
    assert mails_by_address(office) == {"c1@example.com": 1}


def test_who_replies_meanwhile_is_asked_about(office: Company) -> None:
    """An offer without `unless`: whoever approved it may not know."""
    no_customers(office)
    known = {"customer_id": "T-0001", "customer_email": "c1@example.com",
             "customer_name": "Bob", "draft_subject": "Hi", "draft_body": "Hello Bob"}  # fmt: skip
    task = begin(office, OFFER, known, agent="marketing")
    answer(office, task, "send")
    office.order("ses", "answer", status=429, times=1)
    rerun(office, task, "second")
    office.settle()
    answer(office, task, "send")
    assert len(office.outbox) == 1
    reply_to(office, text="Yes, please come.", From="c1@example.com")
    office.pass_time(hours=2)
    assert question(office, task)["title"] == "Send this all the same?"
    assert len(office.outbox) == 1


def test_what_a_person_orders_sent_again_is_not_thought_over(office: Company) -> None:
    kid = by_customer(office, two_invoices(office))["T-0001"]
    office.order("ses", "drop_before", times=1)
    answer(office, kid, "send", settle=False)
    office.pass_time(minutes=6)
    vendors_have_answered(office)
    assert question(office, kid)["kind"] == "in_doubt"
    change(office, "crm_invoice", "INV-1", paid=True)
    answer(office, kid, "send")
    assert mails_by_address(office) == {"c1@example.com": 1}
