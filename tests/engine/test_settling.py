"""A mail in doubt, and the report of Amazon's that it was sent: before it is asked about,
while the question is open, and after somebody has answered. It goes out once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import deliveries, tasks
from engine.mail.ses import EFFECT_TAG
from engine.tasks import Task
from tests.engine.hands import answer, begin, question, rows, sent, vendors_have_answered
from tests.world import Company, company

MAIL = {
    "draft_mail": {
        "to": "anna@example.com", "to_name": "Anna Berg", "subject": "Hello", "text": "Hi Anna",
    }
}  # fmt: skip
SEND = """
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'The mail is out.'}
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, web=False) as here:
        yield here


def unsure(office: Company, steps: str = SEND) -> Task:
    """The mail is sent, and nobody was told."""
    office.order("ses", "drop_after")
    task = begin(office, steps, MAIL)
    assert task.parked_for == "settling:mail"
    return task


def asked(office: Company, steps: str = SEND) -> Task:
    task = unsure(office, steps)
    vendors_have_answered(office)
    assert question(office, task)["kind"] == "in_doubt"
    return office.see(task)


def report(office: Company, *, settle: bool = True) -> None:
    """What the webhook stores when SNS brings the report of the mail that went out first."""
    [tag] = [mail["tags"] for mail in office.outbox][:1]
    told = {
        "eventType": "Send",
        "mail": {"messageId": "m-1", "tags": {EFFECT_TAG: [tag[EFFECT_TAG]]}},
    }
    body = json.dumps({"Type": "Notification", "Message": json.dumps(told)}).encode()
    with office.runtime.database.transaction("accept") as conn:
        deliveries.accept(conn, office.runtime.settings, source="ses", key="report", body=body)
    if settle:
        office.settle()


def went_out_once(office: Company, task: Task) -> None:
    assert office.see(task).status == "completed"
    assert len(sent(office, "ses")) == len(office.outbox) == 1
    assert sum("The mail is out." in m["text"] for m in office.messages("#leads-incoming")) == 1
    assert "effect_settled" in office.events(task)


def test_a_report_before_the_question_spares_it(office: Company) -> None:
    task = unsure(office)
    report(office)
    went_out_once(office, task)
    assert office.see(task).question is None


def test_a_report_while_the_question_is_open_closes_it(office: Company) -> None:
    task = asked(office)
    [card] = [m for m in office.messages("#escalations") if "may or may not" in str(m)]
    assert "It went out" in str(card["blocks"])
    report(office)
    went_out_once(office, task)
    assert question(office, task)["answer"]["by"]["name"] == "Amazon SES"
    [card] = [m for m in office.messages("#escalations") if "may or may not" in str(m)]
    assert "button" not in str(card["blocks"])


@pytest.mark.parametrize("ruling", ["sent", "drop"])
def test_a_report_after_a_ruling_changes_nothing(office: Company, ruling: str) -> None:
    task = asked(office)
    ruled = answer(office, task, ruling)
    before = office.timeline(task)
    report(office)
    assert office.see(task).status == ruled.status
    assert office.timeline(task) == before
    assert len(sent(office, "ses")) == 1


def test_a_report_after_send_it_now_spares_the_second_mail(office: Company) -> None:
    """As long as nobody has called again."""
    task = asked(office)
    answer(office, task, "send", settle=False)
    report(office, settle=False)
    deliveries.act(office.runtime)
    office.settle()
    went_out_once(office, task)


def test_a_report_after_the_second_mail_changes_nothing(office: Company) -> None:
    task = asked(office)
    assert answer(office, task, "send").status == "completed"
    report(office)
    assert len(sent(office, "ses")) == 2, "a person has had it sent again"


def test_trying_again_after_a_report_sends_nothing_again(office: Company) -> None:
    """Nobody has ruled in time, so the step has failed; then the report comes."""
    task = asked(office)
    for _ in range(2):
        office.pass_time(days=6)
    assert office.see(task).status == "escalated"
    report(office)
    if office.see(task).status == "escalated":
        answer(office, task, "retry")
    went_out_once(office, task)


def test_trying_a_step_again_repeats_no_call_that_went_through(office: Company) -> None:
    """The call was made, what followed it in the same step failed."""
    context: dict[str, Any] = {**MAIL, "customer_note": ""}
    room = tasks.CONTEXT_LIMIT - len(json.dumps(context)) - 10
    task = begin(office, SEND, context | {"customer_note": "x" * room})
    assert task.status == "escalated", "its output does not fit any more"
    assert len(sent(office, "ses")) == 1
    answer(office, task, "retry")
    assert len(sent(office, "ses")) == 1
    assert [row["state"] for row in rows(office, "select state from effects"
            " where vendor = 'mail'")] == ["done"]  # fmt: skip
