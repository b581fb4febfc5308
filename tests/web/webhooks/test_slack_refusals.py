"""What Slack's buttons refuse, inside the request: privately, in words, and with the cure."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from engine import erasure, users
from engine.demo import OWNER_SLACK_ID, PARTNER_SLACK_ID
from engine.people import Person
from engine.tasks import Task
from tests.engine.hands import answer, begin, cancel, question, setting
from tests.web.webhooks.test_slack import command, deliveries, modals, told
from tests.world import Company, wait_until

STEPS = """
- key: ask
  name: Ask
  type: slack_ask_human
  config:
    title: Shall it go?
    kind: approval
    mail: {subject: Hello, body: The lawn wants you.}
    choices:
      send: {label: Send as is, style: primary, undoable: true}
      edit: {label: Edit first, form: edit, undoable: true}
      refuse: {label: Don't send, style: danger, form: reason, goto: complete}
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""
MISSING = "To (e-mail address) is missing. Press “Edit first” and fill it in."


@pytest.fixture
def unaddressed(office: Company) -> Task:
    """A mail of which nobody knows yet whom it is for."""
    task = begin(office, STEPS, {"customer_name": "Anna Berg", "customer_email": ""})
    assert question(office, task)["mail"]["to"] == ""
    return task


@pytest.fixture
def addressed(office: Company) -> Task:
    return begin(office, STEPS, {"customer_name": "Anna", "customer_email": "anna@example.com"})


# -- what is missing ----------------------------------------------------------------------


def test_a_draft_without_a_recipient_is_not_sent_and_who_pressed_hears_why(
    office: Company, unaddressed: Task
) -> None:
    assert office.press(unaddressed, "Send as is")["status"] == 200
    assert told(office, OWNER_SLACK_ID) == [MISSING]
    assert deliveries(office) == [], "what would be refused is not taken"
    office.settle()
    assert question(office, unaddressed)["state"] == "open"
    assert told(office, OWNER_SLACK_ID) == [MISSING], "and it is said once"


def test_with_the_recipient_filled_in_it_goes_out(office: Company, unaddressed: Task) -> None:
    office.press(unaddressed, "Send as is")
    office.press(unaddressed, "Edit first")
    (view,) = modals(office, OWNER_SLACK_ID)
    sent = office.submit(view["id"], customer_email="anna@example.com")
    assert (sent["status"], sent["errors"]) == (200, {})
    office.settle()
    office.pass_time(seconds=31)
    assert [mail["to"] for mail in office.outbox] == [["anna@example.com"]]


# -- who may not --------------------------------------------------------------------------

MAY_NOT = ["stranger", "viewer", "revoked", "elsewhere"]


def become(office: Company, who: str) -> None:
    """The partner, who had it all on the screen a moment ago, may not act any more."""
    with office.runtime.database.transaction("change") as conn:
        partner = users.get_by_email(conn, "partner@example.com")
        if who == "viewer":
            users.set_role(conn, partner.id, "viewer", by="test")
        elif who == "revoked":
            users.disable(conn, partner.id, by="test")
        elif who == "stranger":
            users.set_slack_user_id(conn, partner.id, None, by="test")
    if who == "elsewhere":
        # In a channel that is shared with another company.
        object.__setattr__(office.runtime.settings, "slack_team_id", "T0ELSEWHERE")


@pytest.mark.parametrize("who", MAY_NOT)
@pytest.mark.parametrize("label", ["Send as is", "Edit first", "Don't send"])
def test_who_may_not_answer_is_told_so_on_the_card(
    office: Company, addressed: Task, who: str, label: str
) -> None:
    become(office, who)
    assert office.press(addressed, label, user=PARTNER_SLACK_ID)["status"] == 200
    [said] = told(office, PARTNER_SLACK_ID)
    assert "company’s list" in said
    assert modals(office, PARTNER_SLACK_ID) == []
    unmoved(office, addressed)


@pytest.mark.parametrize("who", MAY_NOT)
def test_who_may_not_undo_is_told_so(office: Company, addressed: Task, who: str) -> None:
    office.press(addressed, "Send as is")
    office.settle()
    become(office, who)
    assert office.press(addressed, "Undo", user=PARTNER_SLACK_ID)["status"] == 200
    assert "company’s list" in told(office, PARTNER_SLACK_ID)[0]
    office.settle()
    assert question(office, addressed)["state"] == "undo"


@pytest.mark.parametrize("who", MAY_NOT)
@pytest.mark.parametrize("label", ["Edit first", "Don't send"])
def test_a_form_of_who_may_not_answer_says_so_in_its_place(
    office: Company, addressed: Task, who: str, label: str
) -> None:
    office.press(addressed, label, user=PARTNER_SLACK_ID)
    [view] = modals(office, PARTNER_SLACK_ID)
    become(office, who)
    sent = office.submit(view["id"], user=PARTNER_SLACK_ID, tapped="Wrong tone")
    assert (sent["status"], sent["errors"]) == (200, {})
    [view] = modals(office, PARTNER_SLACK_ID)
    assert "company’s list" in json.dumps(view["blocks"], ensure_ascii=False)
    assert deliveries(office) == []


@pytest.mark.parametrize("who", MAY_NOT)
def test_who_may_not_answer_may_put_a_form_away(office: Company, addressed: Task, who: str) -> None:
    office.press(addressed, "Edit first", user=PARTNER_SLACK_ID)
    [view] = modals(office, PARTNER_SLACK_ID)
    become(office, who)
    body = {"view_id": view["id"], "user": PARTNER_SLACK_ID}
    reply = httpx.post(f"{office.local_url}/slack/_close", json=body, timeout=10).json()
    assert reply["status"] == 200, reply


@pytest.mark.parametrize("who", MAY_NOT)
def test_who_is_struck_off_the_list_before_a_worker_comes_is_told(
    office: Company, addressed: Task, who: str
) -> None:
    office.press(addressed, "Send as is", user=PARTNER_SLACK_ID)
    become(office, who)
    office.settle()
    assert "company’s list" in told(office, PARTNER_SLACK_ID)[0]
    assert question(office, addressed)["state"] == "open"


@pytest.mark.parametrize("who", MAY_NOT)
@pytest.mark.parametrize(
    ("name", "text"),
    [("/sop", "stop"), ("/sop", "resume"), ("/sop", "status"), ("/sop", "run small"),
     ("/sop", "away until tomorrow"), ("/sop", "\0"), ("/agent", "pause lead_response")],
)  # fmt: skip
def test_who_may_not_command_is_told_so(office: Company, who: str, name: str, text: str) -> None:
    become(office, who)
    assert "company’s list" in command(office, text, name=name, user=PARTNER_SLACK_ID)


@pytest.mark.parametrize("text", ["\0", "run \0", "stop \0", "away until \0", "run " + "x" * 5000])
def test_no_command_of_a_listed_person_breaks_anything(office: Company, text: str) -> None:
    assert command(office, text)


def test_a_task_erased_while_its_form_opens_leaves_no_warning_sign(
    office: Company, addressed: Task
) -> None:
    office.order("slack", "slow", path="views.open", seconds=1)
    with ThreadPoolExecutor() as other, setting(office, erase_after_days=0):
        pressing = other.submit(office.press, addressed, "Edit first")
        wait_until(lambda: office.requests("slack", "views.open"))
        cancel(office, addressed)
        assert erasure.erase_due(office.runtime) == 1
        assert pressing.result()["status"] == 200
    [view] = modals(office, OWNER_SLACK_ID)
    office.submit(view["id"], draft_body="My own words")
    [view] = modals(office, OWNER_SLACK_ID)
    assert "erased" in json.dumps(view["blocks"])


def test_a_name_in_what_is_told_rings_nobody(office: Company, addressed: Task) -> None:
    named = Person("sam", "Sam <!here> & Co", "web", may_act=True)
    answer(office, addressed, "refuse", by=named, settle=False, reason="no")
    office.press(addressed, "Edit first")
    [said] = told(office, OWNER_SLACK_ID)
    assert said.startswith("Sam &lt;!here&gt; &amp; Co was first")


def unmoved(office: Company, task: Task) -> None:
    office.settle()
    assert deliveries(office) == []
    assert question(office, task)["state"] == "open"
