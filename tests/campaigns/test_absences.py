"""Campaigns while the owners are away: not started, not posted, not sent; and on return."""

from __future__ import annotations

from engine import commands, users
from tests.campaigns.hands import batch_card, customer, look, mails_by_address, no_customers, press
from tests.engine.hands import rows, set_clock
from tests.world import Company

MONDAY = "2027-03-01T08:00-06:00"


def say(office: Company, text: str, who: str = "owner@example.com") -> str:
    with office.runtime.database.read() as conn:
        by = users.person(users.get_by_email(conn, who), "slack")
    said = commands.answer(office.runtime, text, by)
    office.settle()
    return said


def everybody_leaves(office: Company) -> str:
    say(office, "away until friday")
    return say(office, "away until friday", "partner@example.com")


def started(office: Company, slug: str) -> int:
    [found] = rows(office, "select count(*)::int as n from tasks t join sops s on s.id = t.sop_id"
                           " where s.slug = %s", slug)  # fmt: skip
    return found["n"]


def monday(office: Company) -> None:
    no_customers(office)
    for n in range(3):
        customer(office, n)
    set_clock(office, MONDAY)
    with office.runtime.database.statement("from_now_on") as conn:
        # The watchers were made by the clock on the wall, which is another year.
        conn.execute("update watchers set cursor = jsonb_build_object('at', engine_now())"
                     " where check_type = 'schedule'")  # fmt: skip


def test_a_schedule_starts_no_campaign_while_its_owner_is_away(office: Company) -> None:
    monday(office)
    before = started(office, "past_customer_reactivation")
    said = say(office, "away until friday")
    assert "Not started by schedule, but once on return: Past customer reactivation," in said
    assert "Invoice follow-up" not in said, "Sam is here and can approve that"
    office.pass_time(hours=2)
    look(office)
    assert started(office, "past_customer_reactivation") == before
    assert started(office, "invoice_follow_up") == 1
    assert "Past customer reactivation" in say(office, "away")

    back = say(office, "back")
    assert "Quote follow-up (missed Mon Mar 1, 09:30)" in back
    assert "Past customer reactivation (missed Mon Mar 1, 09:00)" in back
    assert "By schedule again: Review request." in back
    look(office)
    look(office)
    assert started(office, "past_customer_reactivation") == before + 1
    assert "3 drafts wait for you" in batch_card(office)


def test_it_runs_once_where_the_absence_ends_by_itself(office: Company) -> None:
    monday(office)
    before = started(office, "past_customer_reactivation")
    say(office, "away until 2027-03-20")
    office.pass_time(days=14)
    look(office)
    assert started(office, "past_customer_reactivation") == before
    office.pass_time(days=6)
    look(office)
    look(office)
    assert started(office, "past_customer_reactivation") == before + 1


def test_where_nobody_is_here_a_campaigns_card_waits(office: Company) -> None:
    monday(office)
    said = everybody_leaves(office)
    assert "No campaign's card is posted; its drafts gather for your return." in said
    assert "Invoice follow-up" in said
    office.run_sop("past_customer_reactivation", trigger="the test")
    office.settle()
    office.pass_time(hours=2)
    look(office)
    assert not [m for m in office.messages("#marketing") if "*Batch*" in str(m["blocks"])]
    assert started(office, "invoice_follow_up") == 0

    back = say(office, "back", "partner@example.com")
    assert "3 drafts that had waited: their card is posted now." in back
    assert "Runs now: Invoice follow-up" in back
    assert "Past customer reactivation" in back, "Chris is still away"
    card = batch_card(office)
    assert "3 drafts wait for you" in card
    assert "Chris is away until Fri Mar 5, 08:00: this is for Sam. <@U0PARTNER>" in card

    press(office, "Approve all 3")
    office.pass_time(minutes=6)
    assert not office.outbox, "offers wait for Chris"
    assert "3 approved mails held back meanwhile: sent now." in say(office, "back")
    assert sum(mails_by_address(office).values()) == 3
    assert "is away" not in batch_card(office)
