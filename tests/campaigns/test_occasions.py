"""An occasion is used up by a mail or a person's no, and by nothing else."""

from __future__ import annotations

import pytest

from engine import outlooks
from engine.errors import TaskClosed
from engine.tasks import Task
from tests.campaigns.hands import (
    batch_card,
    by_customer,
    customer,
    mails_by_address,
    no_customers,
    press,
)
from tests.campaigns.test_reactivation import SOP, campaign
from tests.campaigns.test_unless import two_invoices
from tests.engine.hands import (
    OWNER,
    PARTNER,
    answer,
    cancel,
    children,
    procedure,
    question,
    rerun,
    rows,
)
from tests.guarantees import second_sends
from tests.world import Company


def again(office: Company, slug: str = SOP) -> Task:
    task = office.run_sop(slug, trigger="next Monday")
    office.settle()
    return office.see(task)


def days(office: Company, number: int) -> None:
    for _ in range(number):
        office.pass_time(days=1)


def said(office: Company, channel: str = "#marketing") -> list[str]:
    return [m["text"] for m in office.messages(channel) if "nobody new" in m["text"]]


def test_who_was_not_decided_on_comes_again(office: Company) -> None:
    first = campaign(office, 4)
    kids = by_customer(office, first)
    answer(office, kids["T-0001"], "refuse", settle=False, reason="Moved away")
    answer(office, kids["T-0002"], "send", settle=False)
    days(office, 12)
    assert {name: office.see(kid).error for name, kid in kids.items()} == {
        "T-0000": "expired",
        "T-0001": None,
        "T-0002": None,
        "T-0003": "expired",
    }
    second = again(office)
    assert sorted(by_customer(office, second)) == ["T-0000", "T-0003"]
    press(office, "Approve all 2")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {f"c{n}@example.com": 1 for n in (0, 2, 3)}

    third = again(office)
    assert (third.status, children(office, third)) == ("completed", [])
    assert "all 4 had their turn before" in said(office)[-1]
    assert rows(office, second_sends()) == []


def test_it_comes_again_as_often_as_nobody_decides(office: Company) -> None:
    campaign(office, 1)
    for _ in range(2):
        days(office, 12)
        [kid] = children(office, again(office))
        assert kid.status == "waiting_on_human"
    assert children(office, again(office)) == []
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {"c0@example.com": 1}
    assert children(office, again(office)) == []


def test_what_is_struck_out_stays_out_and_what_was_cancelled_comes_again(office: Company) -> None:
    first = campaign(office, 3)
    kids = by_customer(office, first)
    cancel(office, kids["T-0000"])
    with office.runtime.database.transaction("strike") as conn:
        outlooks.strike(conn, kids["T-0001"].id, PARTNER)
    assert sorted(by_customer(office, again(office))) == ["T-0000"]


def test_a_campaign_that_was_cancelled_is_started_anew(office: Company) -> None:
    first = campaign(office, 2)
    cancel(office, first)
    assert {office.see(kid).status for kid in children(office, first)} == {"cancelled"}
    assert len(children(office, again(office))) == 2
    assert "2 drafts wait for you" in batch_card(office)


def test_who_opted_out_is_not_proposed_each_week(office: Company) -> None:
    first = campaign(office, 2)
    press(office, "Approve all 2")
    from engine import suppressions
    from engine.keyed_hash import contact_hash

    with office.runtime.database.transaction("opt_out") as conn:
        contact = contact_hash(office.runtime.settings, "c1@example.com")
        suppressions.add(conn, contact, "unsubscribed")
    office.pass_time(minutes=6)
    assert by_customer(office, first)["T-0001"].error == "refused:suppressed_unsubscribed"
    assert children(office, again(office)) == []


def test_a_mail_of_which_nobody_knows_is_not_sent_by_another_run(office: Company) -> None:
    first = campaign(office, 1)
    office.order("ses", "drop_after", times=1)
    press(office, "Approve all 1")
    office.pass_time(minutes=6)
    [kid] = children(office, first)
    cancel(office, kid)
    days(office, 3)
    assert children(office, again(office)) == []
    assert mails_by_address(office) == {"c0@example.com": 1}


def test_whose_occasion_was_taken_up_again_is_not_run_again_itself(office: Company) -> None:
    first = campaign(office, 1)
    days(office, 12)
    [old] = children(office, first)
    assert office.see(old).error == "expired"
    [new] = children(office, again(office))
    with pytest.raises(TaskClosed, match=f"task {new.number} has taken it up"):
        rerun(office, old, "draft")
    cancel(office, new)
    with pytest.raises(TaskClosed, match=f"task {new.number} has taken it up"):
        rerun(office, old, "draft")
    rerun(office, new, "draft")
    office.settle()
    assert children(office, again(office)) == []


def test_an_invoices_stage_comes_again(office: Company) -> None:
    first = two_invoices(office)
    days(office, 6)
    assert {office.see(kid).error for kid in children(office, first)} == {"expired"}
    assert len(children(office, again(office, "invoice_follow_up"))) == 2
    third = again(office, "invoice_follow_up")
    assert children(office, third) == []
    assert said(office, "#billing") == [], "it runs each working day: nothing new is no news"


QUIET = """
- key: ask
  name: Ask
  type: slack_ask_human
  on_failure: complete
  config: {title: 'Shall we?', choices: {go: {label: Go}}}
"""
FAN = """
- key: each
  name: Each
  type: for_each
  config: {items: customer_list, sop: one, once: '{{customer_id}}'}
"""


@pytest.mark.parametrize("silent", [True, False])
def test_silence_counts_as_none_whatever_follows_it(office: Company, silent: bool) -> None:
    """A procedure of the owner's own, which ends well where nobody answers."""
    office.import_sop(procedure(QUIET, slug="one"))
    office.import_sop(procedure(FAN, slug="all"))
    task = office.run_sop("all", customer_list=[{"customer_id": "A"}])
    office.settle()
    [kid] = children(office, task)
    if silent:
        days(office, 6)
    else:
        answer(office, kid, "go", by=OWNER)
    assert office.see(kid).status == "completed"
    task = office.run_sop("all", customer_list=[{"customer_id": "A"}])
    office.settle()
    assert len(children(office, task)) == int(silent)
    assert rows(office, "select from tasks where status = 'failed'") == []


def test_the_drafts_of_a_campaign_wait_for_three_days(office: Company) -> None:
    no_customers(office)
    customer(office, 1)
    [kid] = children(office, again(office))
    asked = question(office, kid)
    assert "somebody is reminded" in asked["if_silent"]
    days(office, 2)
    assert office.see(kid).reminded_at is None
