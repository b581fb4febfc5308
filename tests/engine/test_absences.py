"""An owner who is away: campaigns wait, questions go to the other, or their time stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from engine import commands, people, users
from engine.dates import DayInvalid, read_day
from engine.errors import NotAllowed
from engine.people import Person
from engine.tasks import Task
from tests.engine.hands import VIEWER, answer, begin, question, rows, set_clock
from tests.engine.test_questions import ASK, command
from tests.world import Company, company

TUESDAY = "2026-11-17T08:30-06:00"
SILENT = (
    ASK.replace("on_failure: silent", "on_failure: fail")
    .replace("goto: waited", "goto: complete")
)  # fmt: skip


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, web=False) as here:
        set_clock(here, TUESDAY)
        yield here


def owner(office: Company, email: str = "owner@example.com") -> Person:
    with office.runtime.database.read() as conn:
        return users.person(users.get_by_email(conn, email), "slack")


def say(office: Company, text: str, by: Person | None = None) -> str:
    return commands.answer(office.runtime, text, by or owner(office))


def due(task: Task) -> str:
    assert task.deadline is not None
    return (task.deadline + timedelta(seconds=30)).isoformat(timespec="minutes")


def ask(office: Company) -> Task:
    return begin(office, SILENT)


def shown(office: Company) -> str:
    return str(office.messages("#leads-incoming")[0]["blocks"])


def test_while_one_is_away_questions_are_for_the_other(office: Company) -> None:
    before = ask(office)
    said = say(office, "away until friday")
    assert said.startswith("You are away until Fri Nov 20, 08:00. Campaigns wait.")
    assert "Questions go to Sam." in said
    office.settle()
    assert "Chris is away until Fri Nov 20, 08:00: this is for Sam." in shown(office)
    assert "<@U0PARTNER>" in shown(office)
    assert "<@U0OWNER>" not in shown(office)
    assert office.see(before).deadline == before.deadline, "Sam is here: time runs"
    assert "Chris is away" in say(office, "status")
    assert "Chris is away" in say(office, "away")

    assert "is here again" in say(office, "back")
    office.settle()
    assert "is away" not in shown(office)
    assert "<@" not in shown(office)
    assert say(office, "back") == "Chris was not away."


def test_an_absence_ends_by_itself(office: Company) -> None:
    say(office, "away until friday")
    office.pass_time(days=3)
    ask(office)
    assert "is away" not in shown(office)
    assert say(office, "away").startswith("Nobody is away.")


def test_where_nobody_is_here_deadlines_stand_still(office: Company) -> None:
    task = ask(office)
    assert due(task) == "2026-11-17T22:30+00:00"
    office.pass_time(hours=2)
    say(office, "away until thursday")
    assert "No deadline runs until then." in say(
        office, "away until friday", owner(office, "partner@example.com")
    )
    # Two of eight hours had passed; six are left on Thursday at eight, and the card says so.
    moved = office.see(task)
    assert due(moved) == "2026-11-19T20:00+00:00"
    assert "Thu Nov 19, 1" in question(office, task)["if_silent"]
    asked_meanwhile = begin(office, SILENT, slug="other")
    assert due(asked_meanwhile) == "2026-11-19T22:00+00:00"
    office.pass_time(hours=24)
    assert office.see(task).reminded_at is None
    assert office.see(task).status == "waiting_on_human"

    # Chris is back on Wednesday at half past ten: six hours from there.
    say(office, "back")
    back = office.see(task)
    assert due(back) == "2026-11-18T22:30+00:00"
    office.pass_time(hours=6, minutes=1)
    assert office.see(task).reminded_at is not None


def test_marketing_waits_while_somebody_is_away_and_other_mail_does_not(office: Company) -> None:
    say(office, "away until friday")
    held = answer(office, begin(office, MAIL.replace("COMMERCIAL", "true"), OFFER), "send")
    assert held.parked_for == "away"
    assert "Held back" in shown(office)
    plain = answer(office, begin(office, MAIL.replace("COMMERCIAL", "false"), OFFER, slug="two"),
                   "send")  # fmt: skip
    assert plain.status == "completed"
    assert len(office.outbox) == 1
    say(office, "back")
    office.settle()
    assert office.see(held).status == "completed"
    assert len(office.outbox) == 2
    assert "Held back" not in shown(office)


OFFER = {"customer_email": "anna@example.com", "customer_name": "Anna", "draft_subject": "Hello",
         "draft_body": "The lawn wants you."}  # fmt: skip
MAIL = """
- key: ask
  name: Ask
  type: slack_ask_human
  config:
    title: Shall it go?
    kind: approval
    mail: {commercial: COMMERCIAL}
    choices: {send: {label: Send}, no: {label: No, goto: complete}}
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""


def test_the_command_line_says_the_same(office: Company) -> None:
    run = command(office, "away", "owner@example.com", "until", "2026-12-01")
    assert run.exit_code == 0, run.output
    assert "Chris is away until Tue Dec 1, 08:00. Campaigns wait." in run.output
    assert "Chris is away" in command(office, "status").output
    assert "is here again" in command(office, "back", "owner@example.com").output
    wrong = command(office, "away", "nobody@example.com", "friday")
    assert wrong.exit_code == 1
    assert "owner@example.com" in wrong.output
    late = command(office, "away", "owner@example.com", "2020-01-01")
    assert "no day to come" in late.output
    kinds = rows(office, "select event_type from task_events where event_type like 'user_a%%'"
                         " and event_type <> 'user_added' or event_type = 'user_back'")  # fmt: skip
    assert [row["event_type"] for row in kinds] == ["user_away", "user_back"]


def test_who_may_not_act_is_away_for_nobody(office: Company) -> None:
    with pytest.raises(NotAllowed):
        say(office, "away until friday", VIEWER)
    with pytest.raises(NotAllowed):
        say(office, "back", VIEWER)
    assert "Say `/sop away" in commands.answer(office.runtime, "away", people.shell())


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-01", "2026-12-01"),
        ("12-01", "2026-12-01"),
        ("12/1", "2026-12-01"),
        ("Dec 1", "2026-12-01"),
        ("1 December", "2026-12-01"),
        ("1-5", "2027-01-05"),
        ("tomorrow", "2026-11-18"),
        ("Friday", "2026-11-20"),
        ("tue", "2026-11-24"),
    ],
)
def test_days_as_people_type_them(text: str, day: str) -> None:
    assert read_day(text, date(2026, 11, 17)).isoformat() == day


@pytest.mark.parametrize("text", ["", "soon", "2026-11-17", "2026-02-30", "13-45", "99", "x" * 99])
def test_what_is_no_day_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(DayInvalid, match="2026-12-01"):
        read_day(text, date(2026, 11, 17))
