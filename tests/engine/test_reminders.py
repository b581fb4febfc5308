"""The reminder of what nobody has answered, when there is much of it."""

from __future__ import annotations

from tests.engine.hands import alarms, answer, begin, set_clock
from tests.world import Company

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  on_failure: fail
  config: {title: '{{customer_name}}', choices: {mow: {label: Mow}}}
"""


def test_many_long_titles_fit_on_one_reminder(office: Company) -> None:
    """Slack takes 3,000 characters in a section and refuses a message with a longer one whole."""
    set_clock(office, "2026-11-17T08:30-06:00")
    tasks = [begin(office, ASK, {"customer_name": f"{n} {'R&D ' * 60}"}) for n in range(17)]
    office.pass_time(hours=12)
    [told] = alarms(office)
    assert told == "17 questions still wait for an answer"
    [card] = [m for m in office.messages("#escalations") if m.get("username") == "Engine"]
    shown = str(card["blocks"])
    assert sum(f"· task {task.number} ·" in shown for task in tasks) == 15
    assert "2 more in the inbox" in shown


FAILS = """
- key: call
  name: Call
  type: api_call
  config: {service: email, operation: send}
"""


def test_a_failure_that_nobody_sees_to_is_reminded_of_and_stays_open(office: Company) -> None:
    set_clock(office, "2026-11-17T08:30-06:00")
    task = begin(office, FAILS)
    asked = str(office.messages("#escalations")[0]["blocks"])
    assert "From Tue Nov 17, 16:30 on, somebody is reminded." in asked
    office.pass_time(hours=9)
    [told] = alarms(office)
    assert told == f"Task {task.number} still waits for an answer."
    assert "stays open" in str(office.messages("#escalations"))
    for days in (3, 5, 14):
        office.pass_time(days=days)
    again = office.see(task)
    assert (again.status, office.events(again).count("human_asked")) == ("escalated", 1)
    assert 3 <= office.events(task).count("question_reminded") <= 4
    assert len([one for one in alarms(office) if "still waits" in one]) == 1, "one at a time"
    answer(office, task, "fail")
    assert office.see(task).status == "failed"
    assert not [one for one in alarms(office) if "still waits" in one]
