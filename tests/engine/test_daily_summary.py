"""The evening's summary: once a day, with what was taken for spam and how to bring it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import daily_summary
from engine.demo import OWNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import answer, question, rows, set_clock
from tests.engine.test_questions import command
from tests.web.webhooks.test_slack import STRANGER
from tests.world import Company, company

MORNING = "2026-11-17T10:00-06:00"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path) as here:
        set_clock(here, MORNING)
        yield here


def evening(office: Company, hours: float = 9.1) -> None:
    office.pass_time(hours=hours)
    daily_summary.tell_due(office.runtime)
    office.settle()


def summaries(office: Company) -> list[dict[str, Any]]:
    return [m for m in office.messages("#ops-log") if m.get("username") == "Daily summary"]


def text(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def spam(office: Company) -> Task:
    task = office.mail("spam")
    office.settle()
    task = office.see(task)
    assert (task.status, task.context["category"]) == ("completed", "spam")
    return task


def press(office: Company, message: dict[str, Any], user: str = OWNER_SLACK_ID) -> dict[str, Any]:
    body = {"channel": "#ops-log", "message_ts": message["ts"], "label": "Not spam", "user": user}
    return httpx.post(f"{office.local_url}/slack/_press", json=body, timeout=10).json()


def test_it_tells_what_happened_what_it_cost_and_what_is_open(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    office.mail("complaint")
    spam(office)
    evening(office)
    [told] = summaries(office)
    said = text(told)
    assert "Tuesday 17 November" in said
    assert "*1 mail* sent" in said
    assert "*1 question* answered" in said
    assert "*New lead response*: 3 started, 2 done, $" in said
    assert "Taken for spam: 1" in said
    assert "|1 question>* open" in said
    assert "4 tasks started" in told["text"]


def test_spam_opens_no_thread_and_rings_nobody(office: Company) -> None:
    spam(office)
    for channel in ("#leads-incoming", "#escalations", "#ops-log"):
        assert office.messages(channel) == []


def test_not_spam_brings_the_task_back_to_the_draft_once(office: Company) -> None:
    task = spam(office)
    evening(office)
    [told] = summaries(office)
    assert press(office, told)["ok"]
    assert press(office, told)["ok"], "a thumb that slipped"
    office.settle()
    assert office.see(task).status == "waiting_on_human"
    assert question(office, task)["title"] == "Reply to a new lead"
    assert office.events(task).count("task_rerun") == 1
    [told] = summaries(office)
    assert "goes on" in text(told)
    assert "accessory" not in text(told)
    answer(office, task, "send")
    assert len(office.outbox) == 1


def test_a_stranger_brings_nothing_back(office: Company) -> None:
    task = spam(office)
    evening(office)
    assert press(office, summaries(office)[0], STRANGER)["ok"]
    office.settle()
    assert office.see(task).status == "completed"


def test_the_command_line_brings_it_back_too(office: Company) -> None:
    task = spam(office)
    run = command(office, "task", "not-spam", str(task.number))
    assert (run.exit_code, run.output) == (0, f"task {task.number}: goes on as no spam\n")
    again = command(office, "task", "not-spam", str(task.number))
    assert again.exit_code == 1
    assert "no longer" in again.output


def test_once_a_day_and_nothing_twice(office: Company) -> None:
    spam(office)
    evening(office)
    for _ in range(3):
        assert not daily_summary.tell_due(office.runtime)
    office.pass_time(hours=23)
    assert not daily_summary.tell_due(office.runtime)
    evening(office, hours=1.1)
    first, second = summaries(office)
    assert "Taken for spam" in text(first)
    assert "Nothing happened" in text(second)
    assert "Taken for spam" not in text(second)


def test_what_was_missed_is_told_once_afterwards(office: Company) -> None:
    spam(office)
    evening(office)
    office.mail("lead")
    office.pass_time(hours=75)
    assert daily_summary.tell_due(office.runtime)
    assert not daily_summary.tell_due(office.runtime)
    office.settle()
    told = summaries(office)
    assert len(told) == 2
    assert "1 started" in text(told[1])


def test_a_fresh_engine_tells_nothing_of_the_day_before(office: Company) -> None:
    assert not daily_summary.tell_due(office.runtime)
    office.mail("lead")
    office.settle()
    assert not daily_summary.tell_due(office.runtime)
    assert summaries(office) == []


def test_the_hour_is_the_offices_on_the_days_when_the_clock_changes(office: Company) -> None:
    set_clock(office, "2026-11-01T12:00-06:00")
    office.mail("lead")
    for moment, due in (
        ("2026-11-01T18:59-06:00", False),
        ("2026-11-01T19:00-06:00", True),
        ("2027-03-14T18:59-05:00", True),  # of the day before
        ("2027-03-14T18:59-05:00", False),
        ("2027-03-14T19:00-05:00", True),
    ):
        set_clock(office, moment)
        assert daily_summary.tell_due(office.runtime) is due, moment


def test_erasure_reaches_it(office: Company) -> None:
    task = spam(office)
    evening(office)
    [before] = summaries(office)
    sender = str(office.see(task).context["customer_email"])
    assert sender in text(before) or str(office.see(task).context["customer_name"]) in text(before)
    from engine import erasure

    office.pass_time(days=31)
    erasure.erase_due(office.runtime)
    office.settle()
    [after] = summaries(office)
    assert ": erased" in text(after)
    assert sender not in text(after)
    assert "accessory" not in text(after)
    assert rows(office, "select count(*)::int as n from daily_summaries") == [{"n": 1}]


# -- handoffs ---------------------------------------------------------------------------------

GIVE = """
slug: give
name: Give
agent: lead_response
steps:
  - {key: hand, name: Hand over, type: enqueue_next, config: {sop: take}}
"""
TAKE = """
slug: take
name: Take
agent: {agent}
steps:
  - {key: say, name: Say, type: slack_notify, config: {text: Taken}}
"""


def test_a_handoff_is_told_where_both_agents_see_it(office: Company) -> None:
    office.import_sop(TAKE.replace("{agent}", "billing", 1))
    office.import_sop(GIVE)
    task = office.run_sop("give")
    office.settle()
    [told] = office.messages("#ops-log")
    assert told["text"] == (f"Lead response hands over to Billing: Take (from task {task.number})")
    assert told["username"] == "Lead response"


def test_who_hands_to_itself_says_nothing(office: Company) -> None:
    office.import_sop(TAKE.replace("{agent}", "lead_response", 1))
    office.import_sop(GIVE)
    office.run_sop("give")
    office.settle()
    assert office.messages("#ops-log") == []
