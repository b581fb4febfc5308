"""The reminder of what nobody has answered, when there is much of it."""

from __future__ import annotations

from tests.engine.hands import alarms, begin, set_clock
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
