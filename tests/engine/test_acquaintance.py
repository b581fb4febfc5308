"""Who writes and whom the CRM takes them for: the answer goes to whoever wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import deliveries, suppressions
from engine.crm import Customer
from engine.keyed_hash import contact_hash
from engine.tasks import Task
from tests.engine.hands import answer, begin, question, rows, sent
from tests.world import Company, company
from web.local.hubspot_portal import SETTING

HUBSPOT = {"crm_kind": "hubspot", "hubspot_properties": SETTING}
BOB = {"name": "Bob Stone", "email": "bob@old.example", "phone": "612-555-0177"}
PERHAPS = "The CRM knows this number as Bob Stone, bob@old.example: is it the same person?"


@pytest.fixture(params=[{}, HUBSPOT], ids=["json", "hubspot"])
def office(request: Any, database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, web=False, **request.param) as here:
        yield here


def in_the_crm(office: Company, **fields: str) -> Customer:
    assert office.runtime.crm is not None
    return office.runtime.crm.upsert_lead(fields, key=f"before:{fields}", timeout=5)


def in_the_crm_now(office: Company, customer: Customer) -> Customer | None:
    assert office.runtime.crm is not None
    return office.runtime.crm.get_customer(customer.id, timeout=5)


def form(office: Company, **fields: str) -> Task:
    """Somebody sends the web form."""
    body = json.dumps({"message": "Can I get a quote for snow removal?", **fields}).encode()
    with office.runtime.database.transaction("accept") as conn:
        deliveries.accept(conn, office.runtime.settings, source="lead_form", key="f", body=body)
    office.settle()
    [task] = rows(office, "select * from tasks")
    if question(office, Task(**task))["kind"] != "approval":
        answer(office, Task(**task), "use", draft_subject="Snow", draft_body="Hi, thanks.")
    return office.see(Task(**task))


def facts(office: Company, task: Task) -> list[str]:
    return [text for _, text in question(office, task)["facts"]]


def test_a_number_that_the_crm_knows_leads_the_answer_to_nobody_else(office: Company) -> None:
    bob = in_the_crm(office, **BOB)
    task = form(office, name="Alice Stone", email="alice@new.example", phone="(612) 555-0177")
    asked = question(office, task)
    assert (asked["mail"]["to"], asked["mail"]["to_name"]) == ("alice@new.example", "Alice Stone")
    assert PERHAPS in facts(office, task)
    assert (asked["history"], task.subject) == ("", None)

    done = answer(office, task, "send")
    assert [mail["to"] for mail in office.outbox] == [["alice@new.example"]]
    assert done.status == "completed"
    assert done.subject not in (None, bob.id)
    assert in_the_crm_now(office, bob) == bob


def test_by_the_number_alone_nobody_of_another_name_is_taken_for_the_customer(
    office: Company,
) -> None:
    bob = in_the_crm(office, **BOB)
    task = form(office, name="Alice Stone", phone="612-555-0177")
    assert question(office, task)["mail"]["to"] == ""
    assert PERHAPS in facts(office, task)
    done = answer(office, task, "edit", customer_email="alice@new.example")
    assert [mail["to"] for mail in office.outbox] == [["alice@new.example"]]
    assert done.subject not in (None, bob.id)
    assert in_the_crm_now(office, bob) == bob


def test_a_customer_who_gives_number_and_name_is_known(office: Company) -> None:
    bob = in_the_crm(office, **BOB)
    task = form(office, name="bob stone", phone="612-555-0177")
    asked = question(office, task)
    assert (asked["mail"]["to"], asked["mail"]["to_name"]) == (bob.email, bob.name)
    assert task.subject == bob.id
    assert PERHAPS not in facts(office, task)


def test_another_name_at_a_known_address_is_answered_by_that_name(office: Company) -> None:
    """A couple has one mailbox; the CRM's record stays whose it is."""
    bob = in_the_crm(office, **BOB)
    task = form(office, name="Alice Stone", email="bob@old.example", address="4100 Lyndale Ave S")
    asked = question(office, task)
    assert (asked["mail"]["to"], asked["mail"]["to_name"]) == (bob.email, "Alice Stone")
    assert "The CRM knows this address as Bob Stone." in facts(office, task)
    assert task.subject == bob.id
    answer(office, task, "send")
    now = in_the_crm_now(office, bob)
    assert now is not None
    assert (now.name, now.address) == ("Bob Stone", "4100 Lyndale Ave S")


def test_without_an_address_a_lead_with_a_known_number_is_written_down_by_hand(
    office: Company,
) -> None:
    bob = in_the_crm(office, **BOB)
    task = begin(office, WRITE, {"customer_name": "Alice Stone", "customer_phone": bob.phone})
    asked = question(office, task)
    assert (asked["kind"], asked["title"]) == ("to_copy", "Write this lead down")
    assert dict(asked["facts"])["Name"] == "Alice Stone"
    assert PERHAPS in facts(office, task)
    assert answer(office, task, "done").status == "completed"
    assert in_the_crm_now(office, bob) == bob


WRITE = """
- key: look_up
  name: Look up
  type: query
  config: {operation: find_customer, phone: '{{customer_phone}}'}
- key: write
  name: Write the lead
  type: api_call
  config:
    service: crm
    operation: upsert_lead
    fields: {name: '{{customer_name}}', email: '{{customer_email}}', phone: '{{customer_phone}}'}
"""


def test_an_answer_goes_to_whoever_wrote_not_to_whom_the_record_names(office: Company) -> None:
    """Read by its id, the record says another address than the one they write from by now."""
    bob = in_the_crm(office, **BOB)
    known = {"email_text": "Hi", "customer_email": "bob@new.example", "customer_id": bob.id}
    task = begin(office, BY_ID, known)
    assert question(office, task)["mail"]["to"] == "bob@new.example"


BY_ID = """
- key: look_up
  name: Look up
  type: query
  config: {operation: get_customer, id: '{{customer_id}}'}
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: A mail
    kind: approval
    mail: {subject: Hello, body: A text}
    choices: {send: {label: Send}}
"""


@pytest.mark.parametrize("office", [{}], indirect=True)
def test_an_address_that_was_typed_in_is_no_proof_that_they_wrote(office: Company) -> None:
    """Who opted out is answered where they have written; a form without an address does not
    say who wrote."""
    contact = contact_hash(office.runtime.settings, "bob@old.example")
    with office.runtime.database.transaction("suppress") as conn:
        suppressions.add(conn, contact, "unsubscribed")
    office.pass_time(minutes=1)
    task = form(office, name="Alice Stone", phone="612-555-0199")
    done = answer(office, task, "edit", customer_email="bob@old.example")
    assert done.error == "refused:suppressed_unsubscribed"
    assert not office.outbox
    assert not sent(office, "ses")
