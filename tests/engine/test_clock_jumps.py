"""The clock on the wall jumps: a wait ends once."""

from __future__ import annotations

from tests.engine.hands import begin
from tests.world import Company

WAIT = """
- key: wait
  name: Wait
  type: wait
  config: {for: 1h}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'An hour has passed.'}
"""


def test_a_clock_that_jumps_ends_no_wait_twice(office: Company) -> None:
    """Forward by two hours, back by three (as somebody who sets it right would), and over
    the same hour again."""
    task = begin(office, WAIT)
    for hours in (2, -3, 1, 1, 1):
        office.pass_time(hours=hours)
    assert office.see(task).status == "completed"
    assert office.events(task).count("step_completed") == 2
    assert sum("An hour" in m["text"] for m in office.messages("#leads-incoming")) == 1


def test_a_clock_that_is_set_back_ends_a_wait_late_and_once(office: Company) -> None:
    task = begin(office, WAIT)
    office.pass_time(hours=-3)
    assert office.see(task).status == "waiting_on_timer"
    for _ in range(5):
        office.pass_time(hours=1)
    assert office.events(task).count("step_completed") == 2
