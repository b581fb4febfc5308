"""What steps pass on: how much, and which characters."""

from __future__ import annotations

import pytest

from engine.errors import ContextTooLarge
from tests.engine.hands import answer, begin, procedure, question
from tests.world import Company
from web.local.claude import script

LIST = """
- key: list
  name: List
  type: query
  config: {operation: list_customers, into: customer_list}
"""
LARGE = "x" * 200_000


def test_a_step_that_puts_out_too_much_fails_and_names_the_key(office: Company) -> None:
    customer = office.local.all("crm_customer")[0]
    for n in range(60):
        many = customer | {"id": f"C-big-{n}", "name": "N" * 5000}
        office.local.put("crm_customer", many["id"], many)
    task = begin(office, LIST)
    assert task.status == "escalated"
    assert (task.error or "").startswith("context_too_large")
    assert "customer_list" in (task.error or "")


def test_many_steps_together_may_not_put_out_too_much(office: Company) -> None:
    fill = """
- key: {key}
  name: Fill
  type: slack_ask_human
  config:
    title: More
    choices: {{ok: {{label: OK, form: edit}}}}
    fields: [{{key: customer_{key}, label: Text}}]
"""
    task = begin(office, fill.format(key="one") + fill.format(key="two"))
    answer(office, task, "ok", customer_one=LARGE)
    task = answer(office, task, "ok", customer_two=LARGE)
    assert task.status == "escalated"
    assert "256 KB" in (task.error or "")


def test_a_task_cannot_be_started_with_too_much(office: Company) -> None:
    office.import_sop(procedure(LIST))
    with pytest.raises(ContextTooLarge, match="customer_notes"):
        office.run_sop("small", customer_notes=LARGE * 2, customer_name="Anna")


CLASSIFY = """
- key: classify
  name: What is it?
  type: llm_classify
  tier: 1
  config:
    prompt: Say what it is.
    labels: {good: it is good, bad: it is bad}
"""


def test_characters_that_no_database_takes_do_not_stop_a_task(office: Company) -> None:
    script(office.local, text='{"category": "good", "reason": "a\\u0000b", "confidence": 0.9}')
    task = begin(office, CLASSIFY, {"email_text": "hello"})
    assert task.status == "completed"
    assert task.context["category"] == "good"
    assert len(office.requests("claude")) == 1


def test_characters_that_a_person_pastes_do_not_stop_a_task(office: Company) -> None:
    ask = """
- key: ask
  name: Ask
  type: slack_ask_human
  config:
    title: More
    choices: {ok: {label: OK, form: edit}}
    fields: [{key: customer_note, label: Note}]
"""
    task = begin(office, ask)
    assert question(office, task)
    done = answer(office, task, "ok", customer_note="a\x00b \ud83d c")
    assert done.status == "completed"
    assert done.context["customer_note"] == "ab \ufffd c"
