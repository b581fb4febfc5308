"""A task that is cancelled while its run comes to rest ends in one piece: whoever dies just
then leaves no question that can be answered, and no children that somebody runs."""

from __future__ import annotations

import pytest

from engine import progress, tasks
from tests.engine.hands import begin, cancel, children, expire_lease, procedure, question
from tests.engine.test_effects import NOTIFY, claimed
from tests.world import Company

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
FAN_OUT = """
- key: each
  name: Each
  type: for_each
  config: {items: items, sop: one}
"""


class _Killed(BaseException):
    pass


def dies(office: Company, monkeypatch: pytest.MonkeyPatch, steps: str) -> tasks.Task:
    """The task is cancelled while its step runs, and the worker dies while it writes that."""
    run = claimed(office, steps, {"items": [{"n": 1}, {"n": 2}]})
    cancel(office, run.task)

    def die(*_: object) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(progress.tasks, "end_cancelled", die)
        with pytest.raises(_Killed):
            office.carry(run)
    if office.see(run.task).status == "in_progress":
        expire_lease(office, run.task)
    office.settle()
    return office.see(run.task)


def test_no_question_stays_open(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    task = dies(office, monkeypatch, ASK)
    assert task.status == "cancelled"
    assert task.question is None or task.question["state"] == "cancelled"
    assert "task_cancelled" in office.events(task)


def test_no_child_is_run(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    office.import_sop(procedure(NOTIFY, slug="one"))
    task = dies(office, monkeypatch, FAN_OUT)
    assert task.status == "cancelled"
    assert {child.status for child in children(office, task)} <= {"cancelled"}
    assert not office.messages("#leads-incoming")


def test_who_lives_ends_it_with_its_card(office: Company) -> None:
    run = claimed(office, ASK, {})
    cancel(office, run.task)
    office.carry(run)
    office.settle()
    assert office.see(run.task).status == "cancelled"
    assert question(office, run.task)["state"] == "cancelled"
    assert begin(office, NOTIFY).status == "completed"
