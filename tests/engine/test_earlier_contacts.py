"""The card tells what was before: the CRM's interactions, and the engine's own tasks."""

from __future__ import annotations

import pytest

from engine.crm import Interaction
from engine.tasks import Task
from tests.engine.hands import begin, question, set_clock
from tests.world import Company

APPROVE = """
- key: look_up
  name: Look up
  type: query
  config: {operation: find_customer, email: '{{customer_email}}'}
- key: approve
  name: Approve
  type: slack_ask_human
  config:
    title: A mail
    kind: approval
    mail: {subject: Hello, body: A text}
    choices: {send: {label: Send}}
"""
ANNA = {"customer_email": "anna.lindqvist@example.com"}


def call(office: Company, text: str, key: str) -> None:
    crm = office.runtime.crm
    assert crm is not None
    crm.log_interaction("C-1001", Interaction("phone_call", text), key=key, timeout=5)


def again(office: Company) -> Task:
    task = office.run_sop("small", **ANNA)
    office.settle()
    return office.see(task)


def test_both_stand_on_the_card(office: Company) -> None:
    for n in range(4):
        call(office, f"Call {n}\nabout   the lawn {'and so on ' * 30}", key=f"k{n}")
    first = begin(office, APPROVE, ANNA)
    own, *lines = question(office, first)["history"].splitlines()
    assert own == "Known customer; no earlier task."
    assert len(lines) == 3
    assert ", phone call: Call 3 about the lawn and so on" in lines[0]
    assert all(len(line) < 170 for line in lines)

    second = again(office)
    assert f"task {first.number}: Small (still open)" in question(office, second)["history"]
    [_, card] = office.messages("#leads-incoming")
    assert "phone call: Call 3 about the lawn" in str(card["blocks"])


def test_of_a_stranger_there_is_nothing(office: Company) -> None:
    task = begin(office, APPROVE, {"customer_email": "new@example.com"})
    assert question(office, task)["history"] == "New to us."
    assert office.requests("crm", "interactions") == []


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"status": 403}, {"status": 429}, {"status": 404}, {"body": "{"}],
    ids=str,
)
def test_a_crm_that_does_not_tell_holds_no_question_back(
    office: Company, fault: dict[str, object]
) -> None:
    office.order("crm", "answer", path="/interactions", **{"status": 200, **fault})
    task = begin(office, APPROVE, ANNA)
    assert task.status == "waiting_on_human"
    assert "did not tell of earlier contacts" in question(office, task)["history"]


def test_an_earlier_task_is_told_by_the_day_of_the_office(office: Company) -> None:
    set_clock(office, "2026-11-20T22:00-06:00")
    first = begin(office, APPROVE, ANNA)
    office.pass_time(days=1)
    assert f"Nov 20, 2026, task {first.number}" in question(office, again(office))["history"]
