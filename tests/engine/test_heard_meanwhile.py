"""What a customer does while a step of the task runs: the follow-up that it starts knows of
it, and a wait that it begins ends at once."""

from __future__ import annotations

from typing import Any

import pytest

from engine import families
from engine.steps import STEP_TYPES
from engine.tasks import Task
from tests.engine.hands import children, procedure
from tests.engine.test_effects import claimed
from tests.world import Company

FOLLOW = """
- {key: tell, name: Tell, type: slack_notify, config: {text: 'They replied: {{customer_replied}}'}}
"""
LATER = """
- {key: later, name: Later, type: enqueue_next, config: {sop: follow, after: 5d}}
"""
WAIT = """
- key: pause
  name: Pause
  type: wait
  config: {for: 5d, unless_replied: tell}
- {key: never, name: Never, type: slack_notify, on_success: complete, config: {text: 'Silence.'}}
- {key: tell, name: Tell, type: slack_notify, config: {text: 'They replied.'}}
"""


def replies(office: Company, task: Task) -> None:
    with office.runtime.database.transaction("reply") as conn:
        known = {"customer_replied": True}
        families.tell(conn, task.id, "customer_replied", known, actor="mail")


def test_a_follow_up_knows_what_was_heard_in_the_turn_that_starts_it(office: Company) -> None:
    office.import_sop(procedure(FOLLOW, slug="follow"))
    run = claimed(office, LATER, {"customer_name": "Anna"})
    replies(office, run.task)
    office.carry(run)
    [child] = children(office, run.task)
    assert child.context["customer_replied"] is True
    office.pass_time(days=6)
    assert any("They replied: True" in m["text"] for m in office.messages("#leads-incoming"))


@pytest.mark.parametrize("when", ["before the step", "in the step"])
def test_a_wait_that_a_reply_ends_does_not_begin_after_it(
    office: Company, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    run = claimed(office, WAIT, {})
    sleep = STEP_TYPES["wait"].run

    def interrupted(*given: Any) -> Any:
        monkeypatch.undo()
        outcome = sleep(*given)
        replies(office, run.task)
        return outcome

    if when == "in the step":
        monkeypatch.setattr(STEP_TYPES["wait"], "run", interrupted)
    else:
        replies(office, run.task)
    office.carry(run)
    office.settle()
    assert office.see(run.task).status == "completed"
    assert [m["text"] for m in office.messages("#leads-incoming")] == ["They replied."]
