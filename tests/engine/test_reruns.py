"""Sending a task to a step again."""

from __future__ import annotations

import pytest

from engine.errors import AlreadyAnswered, TaskClosed
from tests.engine.hands import (
    alarms,
    answer,
    begin,
    cancel,
    question,
    rerun,
    rows,
    token,
    undo,
)
from tests.engine.test_branching import FAIL, SAY, said
from tests.world import Company

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK, undoable: true}}}
"""
TWO = SAY.format(key="a", then="next") + SAY.format(key="b", then="next")


@pytest.mark.parametrize("key", ["a", "b"])
def test_from_any_step(office: Company, key: str) -> None:
    task = begin(office, TWO)
    rerun(office, task, key)
    office.settle()
    task = office.see(task)
    assert task.status == "completed"
    assert said(office) == ["a", "b", "a", "b"][: 4 if key == "a" else 2] + ["b"] * (key == "b")
    assert "task_rerun" in office.events(task)


def test_of_a_failed_task_clears_its_error(office: Company) -> None:
    task = begin(office, SAY.format(key="a", then="next") + FAIL.format(then="fail"))
    assert task.status == "failed"
    again = rerun(office, task, "a")
    assert (again.status, again.error, again.finished_at) == ("pending", None, None)


def test_of_a_task_that_waits_for_a_person_closes_the_question(office: Company) -> None:
    task = begin(office, SAY.format(key="a", then="next") + ASK)
    before = token(office, task)
    rerun(office, task, "a")
    office.settle()
    task = office.see(task)
    assert task.status == "waiting_on_human"
    assert token(office, task) != before
    with pytest.raises(AlreadyAnswered):
        undo(office, before)
    cards = [m for m in office.messages("#leads-incoming") if "Go on?" in str(m["blocks"])]
    assert ["actions" in str(card["blocks"]) for card in cards] == [False, True]
    assert answer(office, task, "ok").status == "completed"


def test_while_an_answer_could_be_taken_back(office: Company) -> None:
    task = begin(office, ASK)
    answer(office, task, "ok", settle=False)
    rerun(office, task, "ask")
    office.settle()
    assert question(office, task)["state"] == "open"
    assert office.see(task).status == "waiting_on_human"


def test_of_a_task_that_waits_for_a_time(office: Company) -> None:
    wait = "- {key: wait, name: Wait, type: wait, config: {for: 5d}}\n"
    task = begin(office, SAY.format(key="a", then="next") + wait)
    rerun(office, task, "a")
    office.settle()
    assert office.see(task).status == "waiting_on_timer"
    assert said(office) == ["a", "a"]
    office.pass_time(days=6)
    assert office.see(task).status == "completed"


def test_not_of_a_running_task(office: Company) -> None:
    office.mail("lead")
    run = office.claim()
    assert run is not None
    with pytest.raises(TaskClosed, match="running"):
        rerun(office, run.task, "draft")


def test_not_into_another_procedure(office: Company) -> None:
    from engine import sops, tasks

    task = begin(office, TWO)
    with office.runtime.database.transaction("rerun") as conn:
        other = sops.procedure(conn, sops.active(conn, "quote_due").id).steps[0]
        with pytest.raises(TaskClosed, match="step"):
            tasks.rerun(conn, task.id, other.id, by="test")


def test_of_a_cancelled_task(office: Company) -> None:
    task = begin(office, ASK)
    cancel(office, task)
    rerun(office, task, "ask")
    office.settle()
    assert office.see(task).status == "waiting_on_human"
    assert answer(office, task, "ok").status == "completed"


def test_not_once_it_is_erased(office: Company) -> None:
    from engine import erasure

    task = begin(office, TWO)
    office.pass_time(days=31)
    assert erasure.erase_due(office.runtime) == 1
    with pytest.raises(TaskClosed, match="erased"):
        rerun(office, task, "a")
    assert not alarms(office)
    assert rows(office, "select erased_at is not null as e from tasks") == [{"e": True}]
