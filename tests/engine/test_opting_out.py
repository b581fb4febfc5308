"""A reply that says "stop" holds from the moment it is taken in, whoever presses what."""

from __future__ import annotations

from engine import suppressions
from engine.keyed_hash import contact_hash
from engine.tasks import Task
from tests.engine.hands import answer, begin, question, rows, setting
from tests.engine.test_replies import MAIL, SEND, anna_writes, reply_to, sent_to_anna
from tests.world import Company

APPROVE = """
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: To a customer
    kind: approval
    mail: {subject: 'Your walks', body: 'Shall we clear them?'}
    choices:
      send: {label: Send as is, style: primary, undoable: true}
"""
LOOK_UP = """
- key: look_up
  name: Who is it?
  type: query
  config: {{operation: get_customer, id: '{}'}}
"""
TAKE_BACK = "That was not meant: write to them again"


def reasons(office: Company) -> list[str]:
    return [row["reason"] for row in rows(office, "select reason from suppressions")]


def known_to_the_crm(office: Company) -> Task:
    """A mail of ours to a customer whom the CRM knows."""
    made = office.local.all("crm_customer")[0]
    made |= {"name": "Anna Berg", "email": "anna@example.com", "opted_out": False}
    office.local.put("crm_customer", made["id"], made)
    return sent_to_anna(office, LOOK_UP.format(made["id"]) + SEND)


def opted_out_in_crm(office: Company) -> bool:
    [one] = [c for c in office.local.all("crm_customer") if c["email"] == "anna@example.com"]
    return bool(one["opted_out"])


def test_what_nobody_has_pressed_holds_all_the_same(office: Company) -> None:
    known_to_the_crm(office)
    [asking] = reply_to(office, text="STOP").tasks
    assert reasons(office) == ["opted_out"]
    asked = question(office, asking)
    assert asked["title"] == "Anna Berg wants no more mail: nothing more goes to them"
    labels = [option["label"] for option in asked["options"]]
    assert labels == ["Leave it at that", "Reply", TAKE_BACK]
    assert not opted_out_in_crm(office)
    for _ in range(8):
        office.pass_time(days=1)
    done = office.see(asking)
    assert (done.status, done.error) == ("completed", None)
    assert question(office, asking)["state"] == "expired"
    assert reasons(office) == ["opted_out"]
    assert opted_out_in_crm(office)
    assert begin(office, SEND, MAIL, slug="again").error == "refused:suppressed_opted_out"
    assert len(office.outbox) == 1


def test_an_approved_mail_of_another_family_is_stopped(office: Company) -> None:
    sent_to_anna(office)
    other = begin(
        office, APPROVE + SEND, {"customer_name": "Anna", "customer_email": "anna@example.com"},
        slug="other",
    )  # fmt: skip
    answer(office, other, "send", settle=False)
    reply_to(office, text="Please stop.")
    office.pass_time(minutes=6)
    assert office.see(other).error == "refused:suppressed_opted_out"
    assert len(office.outbox) == 1


def test_a_person_answers_that_very_mail_and_it_stays_at_that(office: Company) -> None:
    known_to_the_crm(office)
    [asking] = reply_to(office, text="Unsubscribe").tasks
    facts = [text for _, text in question(office, asking)["facts"]]
    assert any("your own answer to this mail may go out" in text for text in facts), facts
    done = answer(office, asking, "reply", draft_subject="Re: Your lawn", draft_body="You are off.")
    assert done.status == "completed"
    assert [mail["text"][:12] for mail in office.outbox[1:]] == ["You are off."]
    assert reasons(office) == ["opted_out"]
    assert opted_out_in_crm(office)


def test_one_press_takes_it_back(office: Company) -> None:
    task = known_to_the_crm(office)
    [asking] = reply_to(office, text="Cancel").tasks
    assert office.see(task).context["customer_opted_out"] is True
    answer(office, asking, "write_again")
    assert reasons(office) == []
    assert not opted_out_in_crm(office)
    assert office.see(task).context["customer_opted_out"] is False
    told = [name for name in office.events(task) if "opt" in name]
    assert told == ["customer_opted_out", "opt_out_taken_back"]
    # Their mail is still there to be answered.
    assert question(office, asking)["title"] == "Reply from Anna Berg"
    assert begin(office, SEND, MAIL, slug="again").status == "completed"
    assert len(office.outbox) == 2


def test_taking_it_back_lifts_nothing_else(office: Company) -> None:
    sent_to_anna(office)
    [first] = reply_to(office, text="STOP").tasks
    office.pass_time(minutes=5)
    [second] = reply_to(office, text="I said stop: STOP\n", Subject="STOP").tasks
    assert question(office, second)["title"] == "Reply from Anna Berg"
    [third] = reply_to(office, text="stop!!").tasks
    answer(office, first, "write_again")
    assert reasons(office) == ["opted_out"]
    notes = [text for _, text in question(office, first)["facts"]]
    assert any("not to be written to any more" in note for note in notes), notes
    # Whoever uses the link as well has said it in another way.
    contact = contact_hash(office.runtime.settings, "anna@example.com")
    with office.runtime.database.transaction("suppress") as conn:
        suppressions.stop_writing(
            conn, office.runtime.settings, contact, "unsubscribed", actor="unsubscribe"
        )
    answer(office, third, "write_again")
    assert reasons(office) == ["unsubscribed"]


def test_what_is_no_bare_word_can_be_heeded_by_a_person(office: Company) -> None:
    sent_to_anna(office)
    [asking] = reply_to(office, text="We moved away, so no more of these, thanks").tasks
    assert reasons(office) == []
    assert answer(office, asking, "opt_out").status == "completed"
    assert reasons(office) == ["opted_out"]


def test_what_they_ask_later_is_answered(office: Company) -> None:
    sent_to_anna(office)
    reply_to(office, text="STOP")
    office.pass_time(days=2)
    later = anna_writes(office, 2)
    assert answer(office, later, "send").status == "completed"
    assert len(office.outbox) == 2


def test_beyond_the_days_cap_it_holds_too(office: Company) -> None:
    with setting(office, thread_mails_per_day=1):
        sent_to_anna(office)
        reply_to(office, text="Who are you?")
        assert reply_to(office, text="STOP").verdict == "loop"
    assert reasons(office) == ["opted_out"]


def test_the_spoken_word_is_read_with_its_courtesies(office: Company) -> None:
    sent_to_anna(office)
    [asking] = reply_to(office, text="Please stop by on Friday").tasks
    assert reasons(office) == []
    assert question(office, asking)["title"] == "Reply from Anna Berg"
