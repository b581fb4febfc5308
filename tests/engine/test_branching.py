"""Where a task goes after a step, by every road that a procedure may name."""

from __future__ import annotations

import pytest

from tests.engine.hands import alarms, answer, begin, procedure, question, setting, summaries
from tests.engine.test_effects import ANNA, MAIL, NOTIFY
from tests.world import Company

SAY = """
- key: {key}
  name: Say {key}
  type: slack_notify
  on_success: {then}
  config: {{text: 'said {key}'}}
"""
FAIL = """
- key: broken
  name: Broken
  type: api_call
  on_failure: {then}
  config: {{service: email, operation: send, mail: draft_nothing, otherwise: next}}
"""


def said(office: Company) -> list[str]:
    return [m["text"].removeprefix("said ") for m in office.messages("#leads-incoming")
            if m["text"].startswith("said ")]  # fmt: skip


def test_steps_follow_each_other_or_jump(office: Company) -> None:
    steps = (
        SAY.format(key="a", then="c")
        + SAY.format(key="b", then="complete")
        + SAY.format(key="c", then="b")
        + SAY.format(key="never", then="next")
    )
    assert begin(office, steps).status == "completed"
    assert said(office) == ["a", "c", "b"]


def test_the_last_step_ends_the_task(office: Company) -> None:
    task = begin(office, SAY.format(key="a", then="next"))
    assert (task.status, task.error) == ("completed", None)
    assert office.events(task)[-1] == "task_completed"


def test_conditions_choose_the_first_case_that_holds(office: Company) -> None:
    steps = (
        """
- key: look
  name: Look
  type: query
  config:
    cases:
      - {when: "amount > 100", goto: large}
      - {when: "city in ['Edina', 'Eagan'] and not late", goto: near}
"""
        + SAY.format(key="other", then="complete")
        + SAY.format(key="large", then="complete")
        + SAY.format(key="near", then="complete")
    )
    begin(office, steps, {"amount": 500, "city": "Edina"})
    begin(office, steps, {"amount": 5, "city": "Edina"})
    begin(office, steps, {"amount": 5, "city": "Fargo"})
    begin(office, steps, {"amount": 5, "city": "Edina", "late": True})
    assert said(office) == ["large", "near", "other", "other"]


def test_a_condition_that_makes_no_sense_fails_the_step(office: Company) -> None:
    steps = """
- key: look
  name: Look
  type: query
  config: {cases: [{when: "amount > 100", goto: complete}]}
"""
    task = begin(office, steps, {"amount": "Anna Berg's"})
    assert task.status == "escalated"
    assert "Anna" not in (task.error or "")
    assert "amount > 100" in (task.error or "")


def test_failure_may_lead_to_a_step(office: Company) -> None:
    steps = (
        FAIL.format(then="b") + SAY.format(key="a", then="next") + SAY.format(key="b", then="next")
    )
    assert begin(office, steps).status == "completed"
    assert said(office) == ["b"]
    assert any("Broken" in text for text in alarms(office))


@pytest.mark.parametrize("then", ["fail", "retry"])
def test_failure_may_end_the_task(office: Company, then: str) -> None:
    task = begin(office, FAIL.format(then=then))
    assert task.status == "failed"
    assert task.error is not None
    assert task.finished_at is not None
    assert {"step_failed", "task_failed"} <= set(office.events(task))
    assert len(alarms(office)) == 1


def test_failure_may_be_passed_over(office: Company) -> None:
    steps = FAIL.format(then="next") + SAY.format(key="a", then="next")
    assert begin(office, steps).status == "completed"
    assert said(office) == ["a"]


@pytest.mark.parametrize(
    ("choice", "status", "heard"),
    [("retry", "escalated", []), ("skip", "completed", ["a"]), ("fail", "failed", [])],
)
def test_a_person_decides_about_a_failure(
    office: Company, choice: str, status: str, heard: list[str]
) -> None:
    task = begin(office, FAIL.format(then="escalate") + SAY.format(key="a", then="next"))
    assert task.status == "escalated"
    assert question(office, task)["channel"] == "#escalations"
    office.pass_time(days=30)
    assert office.see(task).status == "escalated", "it stays open until somebody decides"
    assert answer(office, task, choice).status == status
    assert said(office) == heard


def test_one_cause_makes_one_alarm_with_a_count(office: Company) -> None:
    for _ in range(3):
        begin(office, FAIL.format(then="fail"))
    [told] = alarms(office)
    assert told.endswith("(3 times)")


def test_the_same_cause_next_week_is_told_anew(office: Company) -> None:
    """A count on last week's message is read by nobody."""
    begin(office, FAIL.format(then="fail"))
    with office.runtime.database.statement("a week") as conn:
        conn.execute("update cards set created_at = created_at - interval '7 days'")
    begin(office, FAIL.format(then="fail"))
    assert len(alarms(office)) == 2


def test_a_long_procedure_yields_and_goes_on(office: Company) -> None:
    """Turns are short, so that one long task does not keep the others waiting."""
    step = "- {key: s%s, name: S, type: query, config: {cases: [{when: 'false', goto: next}]}}\n"
    steps = "".join(step % n for n in range(25))
    office.import_sop(procedure(steps))
    first, second = office.run_sop("small"), office.run_sop("small")
    turns = []
    while run := office.claim():
        turns.append(run.task.number)
        office.carry(run)
    assert turns == [first.number, second.number] * 3
    for task in (first, second):
        assert office.see(task).status == "completed"
        assert office.events(task).count("step_completed") == 25


def test_a_worker_that_stops_ends_with_the_step_in_flight(office: Company) -> None:
    steps = SAY.format(key="a", then="next") + SAY.format(key="b", then="next")
    office.import_sop(procedure(steps))
    task = office.run_sop("small")
    run = office.claim()
    assert run is not None
    office.carry(run, stopping=lambda: True)
    assert (office.see(task).status, said(office)) == ("pending", ["a"])
    office.settle()
    assert (office.see(task).status, said(office)) == ("completed", ["a", "b"])


def test_a_worker_that_stops_asks_no_bigger_model(office: Company) -> None:
    from tests.engine.test_model_steps import CLASSIFY, TEXT, models, unsure

    unsure(office, times=1)
    office.import_sop(procedure(CLASSIFY))
    task = office.run_sop("small", **TEXT)
    run = office.claim()
    assert run is not None
    office.carry(run, stopping=lambda: True)
    assert (office.see(task).status, models(office)) == ("pending", ["haiku"])
    assert office.see(task).tier == 2


def test_a_running_task_keeps_the_version_it_began_with(office: Company) -> None:
    ask = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
    task = begin(office, ask + SAY.format(key="old", then="next"))
    office.import_sop(procedure(ask + SAY.format(key="new", then="next")))
    answer(office, task, "ok")
    assert said(office) == ["old"]
    newer = office.run_sop("small")
    office.settle()
    answer(office, newer, "ok")
    assert said(office) == ["old", "new"]


def test_a_step_without_its_mail_says_what_is_missing(office: Company) -> None:
    task = begin(office, FAIL.format(then="fail"), ANNA | MAIL)
    assert task.error == "step_failed: there is no approved mail in draft_nothing"
    assert summaries(office, task, "task_failed") == [task.error]


def test_a_missing_name_in_a_post_is_empty_and_recorded(office: Company) -> None:
    with setting(office):
        task = begin(office, NOTIFY.replace("The lawn", "{{customer_name}}’s lawn"))
    assert task.status == "completed"
    assert summaries(office, task, "step_completed") == ["missing: customer_name"]


CIRCLE = """
- key: a
  name: A
  type: api_call
  on_failure: b
  config: {service: email, operation: send}
- key: b
  name: B
  type: api_call
  on_failure: a
  config: {service: email, operation: send}
"""


def test_steps_that_lead_round_in_circles_come_to_an_end(office: Company) -> None:
    task = begin(office, CIRCLE)
    assert (task.status, task.error) == ("failed", "endless")
    assert office.events(task).count("step_failed") == 99
    assert any("went round in circles" in text for text in alarms(office))


def test_a_circle_with_a_rest_in_it_goes_on(office: Company) -> None:
    """A question asked every day until somebody says yes."""
    ask = """
    - key: wait
      name: Wait
      type: wait
      on_success: look
      config: {for: 1h}
    - key: look
      name: Look
      type: query
      config: {cases: [{when: 'true', goto: wait}]}
    """
    task = begin(office, ask)
    for _ in range(60):
        office.pass_time(minutes=61)
    task = office.see(task)
    assert (task.status, task.visit > 120) == ("waiting_on_timer", True)
