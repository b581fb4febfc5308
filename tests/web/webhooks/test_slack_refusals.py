"""What Slack's buttons refuse, inside the request: privately, in words, and with the cure."""

from __future__ import annotations

import pytest

from engine.demo import OWNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import begin, question
from tests.web.webhooks.test_slack import deliveries, modals, told
from tests.world import Company

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
