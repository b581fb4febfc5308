"""The evening's outlook: who gets what tomorrow, and that what is struck out is not sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import erasure, outlooks
from engine.demo import OWNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import begin, cancel, rows, set_clock, setting
from tests.web.webhooks.test_slack import STRANGER
from tests.world import Company, company

FRIDAY = "2026-11-20T10:00-06:00"
LATER = """
- key: pause
  name: Pause
  type: wait
  config: {for: 26h}
- key: tell
  name: Tell them
  type: slack_notify
  config: {text: Here it is}
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path) as here:
        set_clock(here, FRIDAY)
        with here.runtime.database.statement("no_schedules") as conn:
            conn.execute("update watchers set status = 'paused' where check_type = 'schedule'")
        yield here


def evening(office: Company, hours: float = 8.1) -> None:
    office.pass_time(hours=hours)
    outlooks.tell_due(office.runtime)
    office.settle()


def told(office: Company) -> list[dict[str, Any]]:
    return [m for m in office.messages("#ops-log") if m.get("username") == "Outlook"]


def text(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def waiting(office: Company, name: str = "Anna Berg") -> Task:
    task = begin(office, LATER, {"customer_name": name})
    assert task.status == "waiting_on_timer"
    return task


def press(office: Company, message: dict[str, Any], user: str = OWNER_SLACK_ID) -> dict[str, Any]:
    body = {"channel": "#ops-log", "message_ts": message["ts"], "label": "Strike out", "user": user}
    return httpx.post(f"{office.local_url}/slack/_press", json=body, timeout=10).json()


def test_it_tells_who_gets_what_once(office: Company) -> None:
    task = waiting(office)
    evening(office, hours=7.9)
    assert told(office) == [], "not before six"
    evening(office, hours=0.2)
    evening(office, hours=1)
    [message] = told(office)
    said = text(message)
    assert "Sat 12:00" in said
    assert "Anna Berg" in said
    assert f"Task {task.number}" in said


def test_nothing_to_tell_is_no_message(office: Company) -> None:
    evening(office)
    assert told(office) == []


def test_what_comes_after_tomorrow_is_not_told(office: Company) -> None:
    begin(office, LATER.replace("26h", "72h"), {"customer_name": "Anna Berg"})
    evening(office)
    assert told(office) == []


def test_what_is_struck_out_does_not_happen(office: Company) -> None:
    task = waiting(office)
    evening(office)
    assert press(office, told(office)[0])["ok"]
    office.settle()
    assert office.see(task).status == "cancelled"
    [message] = told(office)
    assert "struck out" in text(message)
    assert "Strike out" not in text(message)
    office.pass_time(days=2)
    assert not [m for m in office.messages("#leads-incoming") if m["text"] == "Here it is"]


def test_a_stranger_strikes_nothing_out(office: Company) -> None:
    task = waiting(office)
    evening(office)
    press(office, told(office)[0], user=STRANGER)
    office.settle()
    assert office.see(task).status == "waiting_on_timer"


def test_a_name_goes_with_its_erasure(office: Company) -> None:
    task = waiting(office, "Zebulon Quackenbush")
    evening(office)
    cancel(office, task)
    with setting(office, erase_after_days=0):
        erasure.erase_due(office.runtime)
    office.settle()
    [message] = told(office)
    assert "Quackenbush" not in text(message)
    assert "erased" in text(message)
    assert "Quackenbush" not in str(rows(office, "select o::text as all from outlooks o"))


def test_a_schedule_is_told_too(office: Company) -> None:
    with office.runtime.database.statement("schedule") as conn:
        conn.execute("update watchers set status = 'active', check_config = %s"
                     " where name = 'open quotes'", ['{"cron": "30 9 * * *"}'])  # fmt: skip
    evening(office)
    assert "Sat 09:30" in text(told(office)[0])


def test_a_long_list_fits_into_slack(office: Company) -> None:
    waiting(office)
    for number in range(60):
        office.run_sop("small", customer_name=f"Customer number {number}")
    office.settle()
    evening(office)
    [message] = told(office)
    assert len(message["blocks"]) <= 50
    assert "more: `bin/engine outlook`" in text(message)


def test_looking_changes_nothing(office: Company) -> None:
    task = waiting(office)
    before = rows(office, "select t::text as all from tasks t")
    with office.runtime.database.read() as conn:
        seen = outlooks.ahead(conn, office.runtime.business)
    assert [line["number"] for line in seen.lines] == [task.number]
    assert rows(office, "select t::text as all from tasks t") == before
