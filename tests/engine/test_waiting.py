"""Steps that wait: for a while, until a time of day, until the office is open."""

from __future__ import annotations

import pytest

from tests.engine.hands import (
    begin,
    children,
    procedure,
    rows,
    seconds_until_woken,
    set_clock,
    woken_at,
)
from tests.world import Company

WAIT = """
- key: wait
  name: Wait
  type: wait
  config: {{{config}}}
"""


def wait(office: Company, config: str, at: str | None = None):
    if at is not None:
        set_clock(office, at)
    return begin(office, WAIT.format(config=config))


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30), ("45m", 2700), ("24h", 86400), ("5d", 432000)]
)
def test_for_a_while(office: Company, written: str, seconds: float) -> None:
    task = wait(office, f"for: {written}")
    assert task.status == "waiting_on_timer"
    assert (task.run_token, task.lease_until) == (None, None), "nobody holds it"
    assert seconds_until_woken(office, task) == pytest.approx(seconds, abs=3)
    office.pass_time(seconds=seconds - 10)
    assert office.see(task).status == "waiting_on_timer"
    office.pass_time(seconds=11)
    assert office.see(task).status == "completed"


# Central time; the clock goes forward on 14 March 2027 and back on 1 November 2026.
@pytest.mark.parametrize(
    ("now", "until", "then"),
    [
        ("2026-11-17T08:00-06:00", "'09:00'", "2026-11-17T09:00-06:00"),
        ("2026-11-17T09:00-06:00", "'09:00'", "2026-11-18T09:00-06:00"),
        ("2026-11-17T08:00-06:00", "17:30", "2026-11-17T17:30-06:00"),
        ("2026-11-17T23:59-06:00", "'00:00'", "2026-11-18T00:00-06:00"),
        ("2027-03-13T20:00-06:00", "'09:00'", "2027-03-14T09:00-05:00"),
        ("2027-03-14T00:30-06:00", "'02:30'", "2027-03-14T03:30-05:00"),
        ("2026-10-31T20:00-05:00", "'09:00'", "2026-11-01T09:00-06:00"),
        ("2026-11-01T00:30-05:00", "'01:45'", "2026-11-01T01:45-05:00"),
        ("2026-11-01T01:50-05:00", "'01:45'", "2026-11-01T01:45-06:00"),
        ("2026-11-01T01:30-06:00", "'01:45'", "2026-11-01T01:45-06:00"),
        ("2026-11-01T01:50-06:00", "'01:45'", "2026-11-02T01:45-06:00"),
    ],
)
def test_until_a_time_of_day(office: Company, now: str, until: str, then: str) -> None:
    assert woken_at(office, wait(office, f"until: {until}", now)) == then


@pytest.mark.parametrize(
    ("now", "config", "then"),
    [
        # Friday at closing time: on Saturday the office opens at nine.
        ("2026-11-20T16:50-06:00", "for: 20m, business_hours: true", "2026-11-21T09:00-06:00"),
        ("2026-11-21T11:30-06:00", "for: 1h, business_hours: true", "2026-11-23T08:00-06:00"),
        ("2026-11-25T16:30-06:00", "for: 1h, business_hours: true", "2026-11-28T09:00-06:00"),
        ("2026-11-17T10:00-06:00", "for: 1h, business_hours: true", "2026-11-17T11:00-06:00"),
        (
            "2026-11-17T10:00-06:00",
            "until: '06:00', business_hours: true",
            "2026-11-18T08:00-06:00",
        ),
    ],
    ids=["weekend", "over sunday", "holidays", "open", "early"],
)
def test_until_the_office_is_open(office: Company, now: str, config: str, then: str) -> None:
    assert woken_at(office, wait(office, config, now)) == then


LATER = """
- key: later
  name: Later
  type: enqueue_next
  config: {sop: waiting, after: 24h, keys: [customer_id, category]}
"""


def test_a_task_that_starts_later_waits_its_own_wait_too(office: Company) -> None:
    """It is woken for its start, and that is not the end of its first step."""
    office.import_sop(procedure(WAIT.format(config="for: 2h"), slug="waiting"))
    parent = begin(office, LATER, {"category": "x", "customer_name": "Anna"})
    assert parent.status == "completed"
    [child] = children(office, parent)
    assert child.context.keys() == {"category", "began_at"}
    assert seconds_until_woken(office, child) == pytest.approx(86400, abs=3)
    office.pass_time(hours=25)
    assert office.see(child).status == "waiting_on_timer"
    assert seconds_until_woken(office, child) == pytest.approx(7200, abs=3)
    office.pass_time(hours=3)
    assert office.see(child).status == "completed"
    assert office.events(child) == [
        "task_started", "task_parked", "step_completed", "task_completed",
    ]  # fmt: skip


def test_a_start_may_wait_for_business_hours(office: Company) -> None:
    office.import_sop(procedure(WAIT.format(config="for: 2h"), slug="waiting"))
    set_clock(office, "2026-11-20T12:00-06:00")
    parent = begin(office, LATER.replace("after: 24h", "after: 24h, business_hours: true"))
    [child] = children(office, parent)
    assert woken_at(office, child) == "2026-11-23T08:00-06:00"


def test_what_cannot_be_started_is_told(office: Company) -> None:
    task = begin(office, LATER)
    assert task.status == "escalated"
    assert "waiting" in (task.error or "")


def test_a_thousand_waiting_tasks_hold_no_job(office: Company) -> None:
    office.import_sop(procedure(WAIT.format(config="for: 5d")))
    for _ in range(20):
        office.run_sop("small")
    office.settle()
    # The wake-ups of their starts, and those are not for each task.
    [row] = rows(office, "select count(*)::int as n from procrastinate_jobs")
    assert row["n"] <= 2
