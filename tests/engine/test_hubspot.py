"""The shipped procedure with HubSpot as its CRM: what arrives there, and once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from engine import checks
from tests.engine.hands import answer, begin, effects_of, question, vendors_have_answered
from tests.world import MAILS, Company, company
from web.local.hubspot_portal import SETTING, lag_search


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(
        database, tmp_path, web=False, crm_kind="hubspot", hubspot_properties=SETTING
    ) as here:
        yield here


def test_a_lead_becomes_one_contact_with_one_note(office: Company) -> None:
    lag_search(office.local, 3600)
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    assert office.see(task).status == "completed"
    [contact] = [c for c in office.local.all("hubspot_contacts") if int(c["id"]) > 5000]
    properties = contact["properties"]
    assert properties["email"] == "rachel.sandberg@example.com"
    assert (properties["firstname"], properties["lastname"]) == ("Rachel", "Sandberg")
    assert properties["customer_status"] == "lead"
    assert office.see(task).subject == contact["id"]
    [note] = office.local.all("hubspot_notes")
    assert note["contacts"] == [contact["id"]]


def test_a_note_whose_answer_got_lost_is_found_by_its_key(office: Company) -> None:
    office.order("hubspot", "drop_after", path="/objects/notes")
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    vendors_have_answered(office)
    assert office.see(task).status == "completed"
    assert office.local.count("hubspot_notes") == 1
    assert all(state == "done" for _, state, _ in effects_of(office, task))


def without_keys(database: str, folder: Path) -> AbstractContextManager[Company]:
    """A portal that does not let notes have a property with unique values."""
    setting = ",".join(one for one in SETTING.split(",") if not one.strip().startswith("key="))
    return company(database, folder, web=False, crm_kind="hubspot", hubspot_properties=setting)


@pytest.mark.parametrize("trouble", ["answer_after", "drop_after"])
@pytest.mark.parametrize("path", ["/objects/notes", "/objects/contacts"])
def test_without_a_key_what_may_have_arrived_is_asked_about(
    database: str, tmp_path: Path, trouble: str, path: str
) -> None:
    """A gateway lost its patience while HubSpot carried it out; a customer without an address
    is a new contact each time, too."""
    steps = """
    - key: lead
      name: Lead
      type: api_call
      config: {service: crm, operation: upsert_lead, fields: {name: Anna, phone: 612-555-0177}}
    - key: note
      name: Note
      type: api_call
      config: {service: crm, operation: log_interaction, kind: call, summary: Called}
    """
    with without_keys(database, tmp_path) as office:
        lag_search(office.local, 3600)
        contacts = office.local.count("hubspot_contacts")
        office.order("hubspot", "slow", path="/contacts/search", seconds=0)  # the one before
        office.order("hubspot", trouble, path=path, status=504)
        task = begin(office, steps)
        vendors_have_answered(office)
        assert question(office, task)["kind"] == "in_doubt"
        for _ in range(3):
            office.pass_time(minutes=10)
        assert office.local.count("hubspot_notes") + office.local.count("hubspot_contacts") == (
            contacts + (2 if path.endswith("notes") else 1)
        )


def test_with_a_key_a_5xx_after_the_note_makes_no_second_one(office: Company) -> None:
    office.order("hubspot", "answer_after", path="/objects/notes", status=504)
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    for _ in range(3):
        office.pass_time(minutes=1)
    assert office.see(task).status == "completed"
    assert office.local.count("hubspot_notes") == 1


def test_without_a_key_what_says_the_same_twice_is_an_outage_like_another(
    database: str, tmp_path: Path
) -> None:
    """A contact by its address, whose fields are set once more."""
    with without_keys(database, tmp_path) as office:
        office.order("hubspot", "answer_after", path="/contacts/batch/upsert", status=502)
        task = office.mail("lead")
        office.settle()
        answer(office, task, "send")
        for _ in range(3):
            office.pass_time(minutes=1)
        assert office.see(task).status == "completed"


def test_earlier_contacts_come_from_its_notes(office: Company) -> None:
    first = office.mail("lead")
    office.settle()
    answer(office, first, "send")
    raw = (MAILS / "lead.eml").read_bytes()
    [second] = office.raw_mail(raw.replace(b"-lead-0001", b"-lead-0002")).tasks
    office.settle()
    assert "email sent: Replied to the lead" in question(office, second)["history"]


def test_check_reaches_it_and_names_what_it_lacks(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [f.text for f in checks.run(office.runtime.settings) if f.subject == "crm"]
    lacks = [
        f"{step}: the CRM (hubspot) cannot read invoices; take the step out"
        for step in ("invoice_follow_up, step 'list'", "invoice_reminder, step 'send'")
    ]
    assert found == ["connected (hubspot)", *lacks]
    poorer = office.runtime.settings.model_copy(update={"hubspot_properties": ""})
    found = [f.text for f in checks.run(poorer) if f.subject == "crm"]
    assert found[0] == "connected (hubspot)"
    wanted = "new_lead_response, step 'record_lead': HubSpot cannot keep 'source'"
    assert any(wanted in said for said in found), found


def test_check_looks_up_in_the_account_what_the_adapter_takes_for_granted(office: Company) -> None:
    def said(properties: str) -> list[str]:
        settings = office.runtime.settings.model_copy(update={"hubspot_properties": properties})
        return [f.text for f in checks.run(settings) if f.subject == "crm" and f.mark == "MISS"]

    assert "contacts have no property sop_key: make it" in said("key=sop_key")[0]
    assert "notes have no property sop_key: make it" in said("key=sop_key")[1]
    doubtful = said("key=office_notes")
    assert "the property office_notes of contacts does not have unique values" in doubtful[0]
    labels = office.requests("hubspot", "/associations/notes/contacts/labels")
    assert labels
    office.order("hubspot", "answer", path="labels", status=200, times=5, body='{"results": []}')
    assert any("not associated with contacts by type 202" in one for one in said("key=sop_key"))
    assert not [one for one in office.requests("hubspot") if one["method"] != "GET"]


APPROVE = """
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: Answer Anna
    kind: approval
    mail: {subject: Hello, body: The draft.}
    choices: {send: {label: Send, style: primary}, edit: {label: Edit, form: edit}}
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""


def test_a_name_that_may_have_been_corrected_does_not_cost_the_answer(
    database: str, tmp_path: Path
) -> None:
    """Asking about it would put that question in the place of the one that was answered, and
    what the person has typed would be gone."""
    with without_keys(database, tmp_path) as office:
        contact = office.local.all("hubspot_contacts")[0]["id"]
        whom = {"customer_name": "ANNA BERG", "customer_email": "anna@example.com"}
        task = begin(office, APPROVE, whom | {"customer_id": contact})
        office.order("hubspot", "drop_after", path="/objects/contacts")
        typed = {"draft_body": "Typed by hand.", "customer_name": "Anna Berg"}
        answer(office, task, "edit", **typed, customer_name_to_crm="yes")
        vendors_have_answered(office)
        assert office.see(task).status == "completed"
        [mail] = office.outbox
        assert "Typed by hand." in str(mail)
        assert office.events(task).count("human_asked") == 1
