"""What the company's calendar holds back: customer mail on holidays, what rings at night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import tasks
from tests.engine.hands import answer, begin, question, set_clock, summaries, woken_at
from tests.world import Company, company

THANKSGIVING = "2026-11-26T10:00-06:00"
NIGHT = "2026-11-17T22:00-06:00"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, keep_calendar="yes") as here:
        yield here


def blocks(office: Company, channel: str = "#leads-incoming") -> str:
    [card, *_] = office.messages(channel)
    return str(card["blocks"])


def test_a_mail_approved_on_a_holiday_goes_out_when_the_office_opens(office: Company) -> None:
    set_clock(office, THANKSGIVING)
    task = office.mail("lead")
    office.settle()
    assert "Today is a holiday: what is approved now goes out Sat Nov 28, 09:00" in blocks(office)
    task = answer(office, task, "send")
    assert office.outbox == []
    assert (task.parked_for, task.attempt) == ("holiday", 0)
    assert woken_at(office, task) == "2026-11-28T09:00-06:00"
    shown = blocks(office)
    assert "Held back" in shown
    assert "holiday" in shown
    assert "actions" not in shown

    office.pass_time(hours=46)
    assert office.outbox == []
    office.pass_time(hours=1, minutes=1)
    assert len(office.outbox) == 1
    assert "Held back" not in blocks(office)
    assert any("holiday" in said for said in summaries(office, task, "task_parked"))


def test_on_a_weekday_nothing_is_said_of_holidays(office: Company) -> None:
    set_clock(office, "2026-11-17T10:00-06:00")
    task = office.mail("lead")
    office.settle()
    assert "holiday" not in blocks(office)
    answer(office, task, "send")
    assert len(office.outbox) == 1


def test_at_night_cards_wait_for_the_morning_and_the_web_has_them(office: Company) -> None:
    set_clock(office, NIGHT)
    task = office.mail("lead")
    office.settle()
    assert office.see(task).status == "waiting_on_human"
    assert office.messages("#leads-incoming") == []
    office.pass_time(hours=9, minutes=1)
    assert "Send as is" in blocks(office)


def test_a_change_and_a_reply_in_the_thread_ring_nobody_and_come_at_once(office: Company) -> None:
    set_clock(office, "2026-11-17T20:59-06:00")
    task = office.mail("lead")
    office.settle()
    set_clock(office, NIGHT)
    answer(office, task, "send")
    assert len(office.outbox) == 1
    [card, *replies] = office.messages("#leads-incoming")
    assert "actions" not in str(card["blocks"])
    assert [m.get("broadcast") for m in replies] == [False]


def test_a_post_that_would_ring_parks_its_task_until_the_morning(office: Company) -> None:
    set_clock(office, NIGHT)
    task = begin(office, "- {key: say, name: Say, type: slack_notify, config: {text: Hello}}")
    assert (task.status, task.parked_for) == ("waiting_on_timer", "quiet_hours")
    assert woken_at(office, task) == "2026-11-18T07:00-06:00"
    office.pass_time(hours=9, minutes=1)
    assert office.see(task).status == "completed"


def test_in_the_demo_the_calendar_holds_nothing(database: str, tmp_path: Path) -> None:
    with company(database, tmp_path, web=False) as office:
        set_clock(office, "2026-12-25T23:00-06:00")
        answer(office, asked(office), "send")
        assert len(office.outbox) == 1


def asked(office: Company) -> Any:
    task = office.mail("lead")
    office.settle()
    assert question(office, task)["state"] == "open"
    return task


def test_what_is_cancelled_meanwhile_is_not_sent(office: Company) -> None:
    set_clock(office, THANKSGIVING)
    task = answer(office, asked(office), "send")
    with office.runtime.database.transaction("cancel") as conn:
        tasks.cancel(conn, task.id, by="test")
    office.pass_time(days=3)
    assert office.outbox == []
