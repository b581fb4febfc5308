"""What is filled in behind a card's buttons: reasons to tap, a name to correct, forms put away."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from engine import users
from engine.demo import OWNER_SLACK_ID, PARTNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import question, rows
from tests.web.webhooks.test_slack import modals
from tests.world import Company

ANNA = {"customer_email": "anna@example.com", "customer_name": "ANNA BERG",
        "draft_subject": "Hello", "draft_body": "The lawn wants you."}  # fmt: skip
STEPS = """
slug: small
name: Small
agent: lead_response
steps:
  - key: look_up
    name: Look up
    type: query
    on_failure: ask
    config: {operation: find_customer, email: '{{customer_email}}'}
  - key: ask
    name: Ask
    type: slack_ask_human
    config:
      title: Shall it go?
      kind: approval
      mail: {}
      choices:
        send: {label: Send, style: primary}
        edit: {label: Edit first, form: edit}
        refuse: {label: Don't send, form: reason, style: danger, goto: complete}
        later: {label: Later, goto: complete}
        never: {label: Never, goto: complete}
  - key: send
    name: Send
    type: api_call
    config: {service: email, operation: send}
"""


def ask(office: Company, **context: str) -> Task:
    office.import_sop(STEPS)
    task = office.run_sop("small", **(ANNA | context))
    office.settle()
    return office.see(task)


def choose(office: Company, task: Task, label: str, user: str = OWNER_SLACK_ID) -> None:
    """More than three answers are a select; a person picks one of its lines."""
    card = office.card(task)
    body = {"channel": card["posted_channel"], "message_ts": card["ts"], "label": label,
            "user": user}  # fmt: skip
    reply = httpx.post(f"{office.local_url}/slack/_press", json=body, timeout=10).json()
    assert reply["ok"], reply


def close(office: Company, view: dict[str, Any], user: str = OWNER_SLACK_ID) -> None:
    body = {"view_id": view["id"], "user": user}
    assert httpx.post(f"{office.local_url}/slack/_close", json=body, timeout=10).json()["ok"]
    office.settle()


def shown(office: Company, task: Task) -> str:
    card = office.card(task)
    [message] = [m for m in office.messages("#leads-incoming") if m["ts"] == card["ts"]]
    return json.dumps(message["blocks"], ensure_ascii=False)


# -- why not ------------------------------------------------------------------------------


def test_a_reason_is_tapped(office: Company) -> None:
    task = ask(office)
    choose(office, task, "Don't send")
    (view,) = modals(office, OWNER_SLACK_ID)
    taps = [o["value"] for b in view["blocks"] for o in b.get("element", {}).get("options", [])]
    assert taps == ["Already taken care of", "Not right for this customer", "Wrong facts",
                    "Wrong tone"]  # fmt: skip
    sent = office.submit(view["id"], tapped="Wrong tone")
    assert (sent["status"], sent["errors"]) == (200, {})
    office.settle()
    assert office.see(task).context["draft_refusal_reason"] == "Wrong tone"
    assert "Don't send: Wrong tone" in shown(office, task)
    assert office.outbox == []


def test_a_reason_is_tapped_and_more_is_said(office: Company) -> None:
    task = ask(office)
    choose(office, task, "Don't send")
    (view,) = modals(office, OWNER_SLACK_ID)
    office.submit(view["id"], tapped="Wrong facts", reason="She lives in Edina.")
    office.settle()
    said = office.see(task).context["draft_refusal_reason"]
    assert said == "Wrong facts: She lives in Edina."
    assert rows(office, "select verdict, reason from verdicts") == [
        {"verdict": "refused", "reason": "wrong_facts"}
    ]


def test_without_a_reason_the_form_stays_open(office: Company) -> None:
    task = ask(office)
    choose(office, task, "Don't send")
    (view,) = modals(office, OWNER_SLACK_ID)
    assert office.submit(view["id"])["errors"] == {"field:reason": "Tap a reason, or write one."}
    assert question(office, task)["state"] == "open"


# -- put away -----------------------------------------------------------------------------


def test_a_form_put_away_takes_the_mark_off_the_card(office: Company) -> None:
    task = ask(office)
    choose(office, task, "Edit first")
    office.settle()
    assert "is editing" in shown(office, task)
    (view,) = modals(office, OWNER_SLACK_ID)
    close(office, view)
    assert "is editing" not in shown(office, task)
    assert question(office, task)["state"] == "open"
    choose(office, task, "Edit first")
    assert len(modals(office, OWNER_SLACK_ID)) == 1, "and it can be opened again"


def test_who_puts_a_form_away_does_not_take_the_others_mark_off(office: Company) -> None:
    task = ask(office)
    choose(office, task, "Edit first")
    choose(office, task, "Edit first", user=PARTNER_SLACK_ID)
    office.settle()
    assert "*Sam* is editing" in shown(office, task)
    (view,) = modals(office, OWNER_SLACK_ID)
    close(office, view)
    assert "*Sam* is editing" in shown(office, task)


@pytest.mark.parametrize("how", ["viewer", "disabled"])
def test_who_is_off_the_list_by_then_takes_their_mark_off_too(office: Company, how: str) -> None:
    task = ask(office)
    choose(office, task, "Edit first")
    office.settle()
    (view,) = modals(office, OWNER_SLACK_ID)
    with office.runtime.database.transaction("off the list") as conn:
        chris = users.get_by_email(conn, "owner@example.com").id
        if how == "viewer":
            users.set_role(conn, chris, "viewer", by="test")
        else:
            users.disable(conn, chris, by="test")
    close(office, view)
    assert "is editing" not in shown(office, task)
    assert question(office, task)["state"] == "open"


def test_a_form_put_away_after_the_answer_changes_nothing(office: Company) -> None:
    task = ask(office)
    choose(office, task, "Edit first")
    choose(office, task, "Never", user=PARTNER_SLACK_ID)
    office.settle()
    (view,) = modals(office, OWNER_SLACK_ID)
    close(office, view)
    assert question(office, task)["state"] == "answered"
    assert rows(office, "select error from deliveries where error is not null") == []


# -- select, long texts ---------------------------------------------------------------------


def test_more_than_three_answers_are_a_select_and_each_counts(office: Company) -> None:
    task = ask(office)
    assert '"static_select"' in shown(office, task)
    choose(office, task, "Later")
    office.settle()
    assert office.see(task).status == "completed"
    assert question(office, task)["answer"]["choice"] == "later"


def test_what_is_too_long_for_slack_is_edited_on_the_web(office: Company) -> None:
    task = ask(office, draft_body="grass " * 600)
    assert f"/tasks/{task.number}|read it all>" in shown(office, task)
    choose(office, task, "Edit first")
    (view,) = modals(office, OWNER_SLACK_ID)
    assert "submit" not in view
    assert f"/tasks/{task.number}|Edit it on the web>" in json.dumps(view["blocks"])
    page = f"/tasks/{task.number}"
    from tests.web.browsing import Browser
    from web import create_app

    browser = Browser(create_app(office.runtime), office).sign_in()
    assert "grass " * 600 in browser.get(page).get_data(as_text=True)


# -- a name ---------------------------------------------------------------------------------


def customer(office: Company) -> dict[str, Any]:
    [one] = [c for c in office.local.all("crm_customer") if c["email"] == "anna@example.com"]
    return one


def known(office: Company) -> None:
    from tests.engine.hands import procedure

    office.import_sop(procedure(UPSERT, slug="upsert"))
    office.run_sop("upsert", **ANNA)
    office.settle()


UPSERT = """
- key: write
  name: Write
  type: api_call
  config:
    service: crm
    operation: upsert_lead
    fields: {name: '{{customer_name}}', email: '{{customer_email}}'}
"""


def correct(office: Company, task: Task, **more: str) -> None:
    choose(office, task, "Edit first")
    (view,) = modals(office, OWNER_SLACK_ID)
    sent = office.submit(view["id"], customer_name="Anna Berg", **more)
    assert (sent["status"], sent["errors"]) == (200, {})
    office.settle()


def test_a_name_corrected_on_the_card_corrects_the_task_and_the_crm(office: Company) -> None:
    known(office)
    assert customer(office)["name"] == "ANNA BERG"
    task = ask(office)
    assert "odd case" in shown(office, task)
    correct(office, task, customer_name_to_crm="yes")
    done = office.see(task)
    assert (done.status, done.context["customer_name"]) == ("completed", "Anna Berg")
    assert customer(office)["name"] == "Anna Berg"
    assert "Anna Berg" in str(office.outbox[0])


def test_without_a_tick_the_crm_keeps_its_name(office: Company) -> None:
    known(office)
    task = ask(office)
    correct(office, task)
    assert office.see(task).context["customer_name"] == "Anna Berg"
    assert customer(office)["name"] == "ANNA BERG"


def test_a_crm_that_will_not_have_the_name_holds_no_mail_back(office: Company) -> None:
    known(office)
    task = ask(office)
    office.order("crm", "answer", status=422, times=1)
    correct(office, task, customer_name_to_crm="yes")
    assert office.see(task).status == "completed"
    assert len(office.outbox) == 1
    assert "effect_refused" in office.events(task)


def test_a_crm_that_is_down_is_waited_for_and_gets_the_name_once(office: Company) -> None:
    known(office)
    task = ask(office)
    office.order("crm", "answer", status=503, times=2)
    correct(office, task, customer_name_to_crm="yes")
    assert office.see(task).parked_for == "outage:crm"
    assert office.outbox == []
    for _ in range(3):
        office.pass_time(minutes=16)
    assert office.see(task).status == "completed"
    assert customer(office)["name"] == "Anna Berg"
    assert len(office.outbox) == 1


def test_whom_the_crm_does_not_know_is_not_offered_to_it(office: Company) -> None:
    task = ask(office)
    keys = [field["key"] for field in question(office, task)["fields"]]
    assert keys == ["draft_subject", "draft_body", "customer_name"]
