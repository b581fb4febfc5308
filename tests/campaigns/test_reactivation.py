"""Past customer reactivation, from the schedule to the second tally."""

from __future__ import annotations

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
from tests.engine.hands import answer, begin, children, question, rows
from tests.engine.test_effects import SEND
from tests.world import Company

SOP = "past_customer_reactivation"


def campaign(office: Company, number: int = 6):
    no_customers(office)
    for n in range(number):
        customer(office, n)
    task = office.run_sop(SOP, trigger="the test")
    office.settle()
    return task


def test_from_the_list_to_the_tally(office: Company) -> None:
    task = campaign(office)
    season = office.see(task).context["season"]
    assert season.startswith("lawn-")
    assert "6 drafts wait for you" in batch_card(office)
    kids = by_customer(office, task)
    edited = question(office, kids["T-0001"])["mail"]["body"].replace("Bob", "Dear Bob")
    answer(office, kids["T-0001"], "edit", settle=False, draft_subject="Your lawn",
           draft_body=edited)  # fmt: skip
    answer(office, kids["T-0002"], "refuse", settle=False, reason="Moved away")
    press(office, "Approve all 4")
    office.pass_time(minutes=6)

    assert mails_by_address(office) == {f"c{n}@example.com": 1 for n in (0, 1, 3, 4, 5)}
    assert interactions(office) == {f"T-000{n}": 1 for n in (0, 1, 3, 4, 5)}
    assert "5 of 6 mails are out" in report(office)
    assert "1 edited · 1 struck out · 0 withheld · 0 failed" in report(office)
    [mail] = [one for one in office.outbox if one["to"] == ["c1@example.com"]]
    assert "Dear Bob" in mail["text"]
    assert "/unsubscribe/" in mail["text"]


def test_who_has_not_answered_is_reminded_once(office: Company) -> None:
    task = campaign(office, 4)
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    kids = by_customer(office, task)
    signed = office.local.get("crm_customer", "T-0001")
    assert signed is not None
    season = office.see(task).context["season"]
    office.local.put("crm_customer", "T-0001", signed | {"signed_seasons": [season]})
    opted = office.local.get("crm_customer", "T-0002")
    assert opted is not None
    office.local.put("crm_customer", "T-0002", opted | {"opted_out": True})
    office.pass_time(days=6)

    reminders = {str(t.subject): t for kid in kids.values() for t in children(office, kid)}
    assert {name: office.see(t).status for name, t in reminders.items()} == {
        "T-0000": "waiting_on_human",
        "T-0001": "completed",
        "T-0002": "completed",
        "T-0003": "waiting_on_human",
    }
    assert "2 drafts wait for you" in batch_card(office)
    press(office, "Approve all 2")
    office.pass_time(minutes=6)
    assert mails_by_address(office)["c0@example.com"] == 2
    assert mails_by_address(office)["c1@example.com"] == 1
    office.pass_time(days=6)
    assert "in the end*: 4 of 4 mails sent, 2 reminders" in report(office)
    assert office.see(task).status == "completed"


def test_run_again_nobody_is_written_to_twice_for_one_season(office: Company) -> None:
    campaign(office, 3)
    press(office, "Approve all 3")
    office.pass_time(minutes=6)
    customer(office, 7)
    again = office.run_sop(SOP, trigger="the test")
    office.settle()
    assert [kid.subject for kid in children(office, again)] == ["T-0007"]
    assert "1 draft waits for you" in batch_card(office)


def test_with_nobody_new_one_line_says_so(office: Company) -> None:
    campaign(office, 2)
    press(office, "Approve all 2")
    office.pass_time(minutes=6)
    said = len(office.messages("#marketing"))
    again = office.run_sop(SOP, trigger="the test")
    office.settle()
    assert office.see(again).status == "completed"
    [line] = [message["text"] for message in office.messages("#marketing")[said:]]
    assert "nobody new; all 2 had their turn before" in line
    assert "\n" not in line.strip()


def test_who_opted_out_between_approval_and_sending_gets_nothing(office: Company) -> None:
    from engine import suppressions
    from engine.keyed_hash import contact_hash

    campaign(office, 3)
    press(office, "Approve all 3")
    with office.runtime.database.transaction("opt_out") as conn:
        settings = office.runtime.settings
        suppressions.add(conn, contact_hash(settings, "c1@example.com"), "unsubscribed")
    office.pass_time(minutes=6)
    assert "c1@example.com" not in mails_by_address(office)
    assert "2 of 3 mails are out" in report(office)
    assert "1 withheld · 0 failed" in report(office)


def test_who_was_written_to_lately_is_counted_as_withheld(office: Company) -> None:
    offer = {"to": "c1@example.com", "subject": "Hi", "text": "Hello", "commercial": True,
             "unsubscribe_url": "https://x.example/u"}  # fmt: skip
    begin(office, SEND, {"draft_mail": offer}, slug="other", agent="marketing")
    campaign(office, 3)
    press(office, "Approve all 2")
    office.pass_time(minutes=6)
    assert mails_by_address(office) == {f"c{n}@example.com": 1 for n in range(3)}
    assert "2 of 3 mails are out" in report(office)
    assert "1 withheld · 0 failed" in report(office)


def test_a_name_that_no_model_can_mend_stands_on_the_same_card(office: Company) -> None:
    no_customers(office)
    for n in range(3):
        customer(office, n)
    customer(office, 3, name="MIKE HALL")
    task = office.run_sop(SOP, trigger="the test")
    office.settle()
    card = batch_card(office)
    assert "4 drafts wait for you" in card
    assert "the model could not write it" in card
    assert not office.messages("#escalations")
    mike = by_customer(office, task)["T-0003"]
    answer(office, mike, "use", settle=False, draft_subject="Your lawn",
           draft_body="Hi Mike,\n\nmay we come again?")  # fmt: skip
    office.settle()
    press_first(office, "Approve all 3")
    office.pass_time(minutes=6)
    assert len(office.outbox) == 3
    assert question(office, mike)["kind"] == "approval"


def press_first(office: Company, label: str) -> None:
    import httpx

    from engine.demo import OWNER_SLACK_ID

    [card, *_] = rows(office, "select * from cards where kind = 'batch' order by created_at")
    said = {"channel": card["posted_channel"], "message_ts": card["ts"], "label": label,
            "user": OWNER_SLACK_ID}  # fmt: skip
    assert httpx.post(f"{office.local_url}/slack/_press", json=said, timeout=30).json()["ok"]
    office.settle()


def test_customers_are_read_page_by_page(office: Company) -> None:
    no_customers(office)
    for n in range(120):
        customer(office, n, email=f"n{n}@example.com")
    task = office.run_sop(SOP, trigger="the test")
    office.settle(rounds=3000)
    assert len(children(office, task)) == 120
    card = batch_card(office)
    assert "120 drafts wait for you" in card
    assert "and 108 more" in card
