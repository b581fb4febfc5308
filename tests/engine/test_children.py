"""for_each: a child for each item, and a parent that goes on with the tally."""

from __future__ import annotations

import pytest

from engine import executor
from engine.errors import TaskClosed
from engine.tasks import Task
from tests.engine.hands import answer, begin, cancel, children, procedure, rerun, rows
from tests.world import Company

CHILD = """
- key: look
  name: Look
  type: query
  config:
    cases:
      - {when: "way == 'fail'", goto: broken}
      - {when: "way == 'ask'", goto: ask}
  on_success: complete
- key: broken
  name: Broken
  type: api_call
  on_failure: fail
  config: {service: email, operation: send, mail: draft_nothing}
- key: ask
  name: Ask
  type: slack_ask_human
  on_success: complete
  config: {title: 'Well?', choices: {good: {label: Good}, bad: {label: Bad, goto: broken}}}
"""
EACH = """
- key: each
  name: For each
  type: for_each
  config: {items: customer_list, sop: child, keys: [season]}
- key: tell
  name: Tell
  type: slack_notify
  config:
    text: >-
      {{tally.completed}} of {{tally.total}} done, {{tally.failed}} failed,
      {{tally.cancelled}} cancelled
"""


def parent(office: Company, *ways: str, steps: str = EACH) -> Task:
    office.import_sop(procedure(CHILD, slug="child"))
    items = [{"way": way, "customer_id": f"C-{n}"} for n, way in enumerate(ways)]
    return begin(office, steps, {"customer_list": items, "season": "lawn-2026"})


def test_the_parent_goes_on_when_all_children_have_ended(office: Company) -> None:
    task = parent(office, "ok", "fail", "ask", "ask", "ok")
    kids = children(office, task)
    assert [kid.item for kid in kids] == [0, 1, 2, 3, 4]
    assert [kid.subject for kid in kids] == ["C-0", "C-1", "C-2", "C-3", "C-4"]
    assert {kid.context["season"] for kid in kids} == {"lawn-2026"}
    assert (task.status, task.open_children) == ("waiting_on_timer", 2)
    assert task.run_token is None
    cancel(office, kids[2])
    assert office.see(task).status == "waiting_on_timer"
    answer(office, kids[3], "bad")

    done = office.see(task)
    assert done.status == "completed"
    assert done.context["tally"] == {"completed": 2, "failed": 2, "cancelled": 1, "total": 5}
    assert any(
        m["text"] == "2 of 5 done, 2 failed, 1 cancelled"
        for m in office.messages("#leads-incoming")
    )


def test_nothing_to_do_is_done_at_once(office: Company) -> None:
    task = parent(office)
    assert task.status == "completed"
    assert task.context["tally"]["total"] == 0


@pytest.mark.parametrize("items", ["Anna", {"a": 1}, ["Anna"], [{"way": "ok"}] * 2001])
def test_what_is_no_list_of_objects_is_refused(office: Company, items: object) -> None:
    office.import_sop(procedure(CHILD, slug="child"))
    task = begin(office, EACH, {"customer_list": items})
    assert task.status == "escalated"
    assert children(office, task) == []


def test_a_procedure_that_is_not_there_is_told(office: Company) -> None:
    task = begin(office, EACH, {"customer_list": [{"way": "ok"}]})
    assert task.status == "escalated"
    assert "child" in (task.error or "")


def test_a_cancelled_parent_cancels_its_children(office: Company) -> None:
    task = parent(office, "ask", "ok", "ask")
    assert cancel(office, task).status == "cancelled"
    assert [kid.status for kid in children(office, task)] == ["cancelled", "completed", "cancelled"]
    office.settle()
    assert office.see(task).open_children == 0
    assert not any("done" in m["text"] for m in office.messages("#leads-incoming"))


def test_children_of_children_are_cancelled_too(office: Company) -> None:
    office.import_sop(procedure(CHILD, slug="child"))
    office.import_sop(procedure(EACH, slug="middle"))
    inner = {"customer_list": [{"way": "ask"}, {"way": "ask"}]}
    steps = EACH.replace("sop: child", "sop: middle")
    top = begin(office, steps, {"customer_list": [inner, inner]})
    assert len(rows(office, "select id from tasks")) == 7
    cancel(office, top)
    assert rows(office, "select distinct status from tasks") == [{"status": "cancelled"}]


def test_a_parent_cancelled_while_it_starts_children_leaves_none(office: Company) -> None:
    office.import_sop(procedure(CHILD, slug="child"))
    office.import_sop(procedure(EACH))
    task = office.run_sop("small", customer_list=[{"way": "ok"}, {"way": "ask"}])
    run = office.claim()
    assert run is not None
    outcome = executor.perform(office.runtime, run)
    cancel(office, task)
    executor.record(office.runtime, run, outcome)
    office.settle()
    assert {kid.status for kid in [office.see(task), *children(office, task)]} == {"cancelled"}


def test_children_begin_at_a_pace(office: Company) -> None:
    task = parent(office, "ok", "ok", "ok", steps=EACH.replace("keys:", "pace: 60, keys:"))
    assert [kid.status for kid in children(office, task)] == ["completed"] + [
        "waiting_on_timer"
    ] * 2
    office.pass_time(seconds=61)
    assert [kid.status for kid in children(office, task)] == ["completed"] * 2 + [
        "waiting_on_timer"
    ]
    office.pass_time(seconds=61)
    assert office.see(task).status == "completed"


def test_each_for_each_has_its_own_tally(office: Company) -> None:
    steps = EACH.partition("- key: tell")[0]
    twice = steps + steps.replace("key: each", "key: again").replace(
        "sop: child", "into: second, sop: child"
    )
    task = parent(office, "ok", "fail", steps=twice)
    assert task.status == "completed"
    assert task.context["second"] == {"completed": 1, "failed": 1, "cancelled": 0, "total": 2}


def test_a_rerun_counts_its_own_children_only(office: Company) -> None:
    task = parent(office, "ok", "fail")
    rerun(office, task, "each")
    office.settle()
    assert office.see(task).context["tally"]["total"] == 2
    assert len(children(office, task)) == 4


def test_a_parent_that_waits_is_not_rerun(office: Company) -> None:
    task = parent(office, "ask")
    with pytest.raises(TaskClosed, match="1 child"):
        rerun(office, task, "each")


def test_a_child_that_is_run_again_is_waited_for_again(office: Company) -> None:
    task = parent(office, "ask", "ask", "ask")
    first, second, third = children(office, task)
    answer(office, first, "bad")
    assert office.see(first).status == "failed"
    rerun(office, first, "ask")
    office.settle()
    answer(office, first, "good")
    answer(office, second, "good")
    assert office.see(task).status == "waiting_on_timer", "the third has not ended"
    answer(office, third, "good")
    done = office.see(task)
    assert done.status == "completed"
    assert done.context["tally"] == {"completed": 3, "failed": 0, "cancelled": 0, "total": 3}


def test_a_child_that_is_run_again_too_late_disturbs_nobody(office: Company) -> None:
    task = parent(office, "ok", "fail")
    before = office.see(task)
    [_, failed] = children(office, task)
    rerun(office, failed, "broken")
    office.settle()
    assert office.see(task) == before


def test_children_keep_their_parents_priority(office: Company) -> None:
    office.import_sop(procedure(CHILD, slug="child"))
    office.import_sop(procedure(EACH))
    from engine import sops, tasks

    with office.runtime.database.transaction("start") as conn:
        sop = sops.active(conn, "small")
        context = {"customer_list": [{"way": "ok"}]}
        task = tasks.start(conn, sop.id, context=context, actor="test", priority=7)
    assert task is not None
    office.settle()
    assert [kid.priority for kid in children(office, task)] == [7]
