"""An address that is taken in can be sent to, whichever door it came by."""

from __future__ import annotations

import json

import pytest

from engine import deliveries
from engine.errors import AnswerInvalid
from engine.keyed_hash import contact_hash
from engine.mail.unsubscribe import contact_of, unsubscribe_url
from engine.tasks import Task
from tests.engine.hands import answer, begin, question, rows, sent, token, undo
from tests.world import Company

WRITE = """
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: A mail
    kind: approval
    mail: {subject: Hello, body: Hi, commercial: true}
    choices:
      send: {label: Send as is, undoable: true}
      edit: {label: Edit first, form: edit, undoable: true}
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""


def form(office: Company, email: str, **fields: str) -> Task:
    """The web form as it is posted, with what somebody has typed as their address."""
    known = {"name": "Al Stone", "message": "Can I get a quote for snow removal?"}
    body = json.dumps({**known, "email": email, **fields}).encode()
    with office.runtime.database.transaction("accept") as conn:
        deliveries.accept(conn, office.runtime.settings, source="lead_form", key="f", body=body)
    office.settle()
    [task] = [Task(**row) for row in rows(office, "select * from tasks")]
    if question(office, task)["kind"] != "approval":
        answer(office, task, "use", draft_subject="Snow removal", draft_body="Hi Al, thanks.")
    return office.see(task)


# -- typed into a card --------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "goes_to"),
    [
        ("jane@home.example ", "jane@home.example"),
        ("\tJane@HOME.example\n", "Jane@home.example"),
        ("jane@münchen.example", "jane@xn--mnchen-3ya.example"),
    ],
)
def test_what_a_card_takes_for_an_address_is_sent_to(
    office: Company, typed: str, goes_to: str
) -> None:
    task = begin(office, WRITE.replace(", commercial: true", ""))
    done = answer(office, task, "edit", customer_email=typed)
    assert (done.status, done.error) == ("completed", None)
    assert [mail["to"] for mail in office.outbox] == [[goes_to]]
    assert done.context["customer_email"] == goes_to


# -- an offer whose address is filled in --------------------------------------------


def test_an_offer_whose_address_is_filled_in_can_be_unsubscribed_from(office: Company) -> None:
    """Its link is made of the address, so the card can show no more than that there is one."""
    task = begin(office, WRITE)
    footer = question(office, task)["mail"]["footer"]
    assert "/unsubscribe/…" in footer

    answer(office, task, "edit", customer_email="anna@example.com")
    [mail] = office.outbox
    link = unsubscribe_url(office.runtime.settings, "anna@example.com")
    assert dict(mail["headers"])["List-Unsubscribe"] == f"<{link}>"
    assert mail["text"].rstrip().endswith(footer.partition("/unsubscribe/…")[2])
    assert link in mail["text"]
    assert question(office, task)["mail"]["footer"] in mail["text"], "the card shows it, too"


def test_taken_back_and_filled_in_anew_the_link_is_of_the_new_address(office: Company) -> None:
    task = begin(office, WRITE)
    answer(office, task, "edit", settle=False, customer_email="anna@example.com")
    undo(office, token(office, task))
    answer(office, task, "edit", customer_email="berta@example.com")
    [mail] = office.outbox
    link = dict(mail["headers"])["List-Unsubscribe"].strip("<>")
    settings = office.runtime.settings
    assert contact_of(settings, link.rpartition("/")[2]) == contact_hash(
        settings, "berta@example.com"
    )
    assert mail["text"].count("/unsubscribe/") == 1
    assert link in mail["text"]


# -- the web form -------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    ["al@new.example,", "al@new.example.", "<al@new.example>", "al@new.example;b@c.example"],
)
def test_an_address_with_a_slip_is_asked_for_on_the_card(office: Company, typed: str) -> None:
    task = form(office, typed)
    asked = question(office, task)
    assert asked["mail"]["to"] == ""
    assert any(f"“{typed}”" in text for _, text in asked["facts"]), asked["facts"]
    with pytest.raises(AnswerInvalid, match="is missing"):
        answer(office, task, "send")
    with pytest.raises(AnswerInvalid, match="address"):
        answer(office, task, "edit", customer_email=typed)

    done = answer(office, task, "edit", customer_email="al@new.example")
    assert [mail["to"] for mail in office.outbox] == [["al@new.example"]]
    assert done.status == "completed"
    [written] = sent(office, "crm", path="/customers?")
    assert written["json"]["email"] == "al@new.example"


def test_an_address_with_umlauts_is_written_to_as_mail_servers_know_it(office: Company) -> None:
    task = form(office, " anna@münchen.example")
    assert question(office, task)["mail"]["to"] == "anna@xn--mnchen-3ya.example"
    assert answer(office, task, "send").status == "completed"
    assert [mail["to"] for mail in office.outbox] == [["anna@xn--mnchen-3ya.example"]]


def test_a_name_of_two_lines_holds_no_mail_up(office: Company) -> None:
    task = form(office, "al@new.example", name="Al\n Stone\x07")
    assert answer(office, task, "send").status == "completed"
    assert len(office.outbox) == 1


# -- a record of the CRM --------------------------------------------------------------


def test_an_address_with_a_slip_in_a_record_is_asked_for_on_the_card(office: Company) -> None:
    task = begin(office, WRITE, {"customer_email": "anna@example.com,"})
    asked = question(office, task)
    assert asked["mail"]["to"] == ""
    assert any("“anna@example.com,”" in text for _, text in asked["facts"]), asked["facts"]
    answer(office, task, "edit", customer_email="anna@example.com")
    assert [mail["to"] for mail in office.outbox] == [["anna@example.com"]]
