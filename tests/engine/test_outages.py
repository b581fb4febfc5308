"""A vendor that is down: tasks wait without using retries, and one alarm tells of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from engine.tasks import Task
from tests.engine.hands import alarms, answer, begin, procedure, rows, sent, vendors_have_answered
from tests.engine.test_effects import ANNA, NOTIFY, WRITE
from tests.world import Company

LOOK_UP = """
- key: look_up
  name: Look up
  type: query
  on_failure: fail
  config: {operation: find_customer, email: '{{customer_email}}'}
"""


def start(office: Company, steps: str, count: int, **context: Any) -> list[Task]:
    office.import_sop(procedure(steps))
    started = [office.run_sop("small", **context) for _ in range(count)]
    office.settle()
    return [office.see(task) for task in started]


def outage_alarms(office: Company) -> list[str]:
    return [text for text in alarms(office) if "cannot be reached" in text]


@pytest.mark.parametrize("steps", [LOOK_UP, WRITE], ids=["read", "write"])
def test_tasks_wait_for_the_crm_and_one_alarm_tells(office: Company, steps: str) -> None:
    office.order("crm", "answer", status=503, times=1000)
    tasks = start(office, steps, 20, **ANNA)
    for task in tasks:
        assert (task.status, task.attempt) == ("waiting_on_timer", 0)
        assert task.parked_for == "outage:crm"
        assert task.run_token is None
    assert len(office.requests("crm")) == 1, "a vendor that is down is not hammered"
    for _ in range(5):
        office.pass_time(minutes=16)
    assert [office.see(task).attempt for task in tasks] == [0] * 20
    assert len(office.requests("crm")) <= 6
    assert len(outage_alarms(office)) == 1

    office.local.clear_faults()
    office.pass_time(minutes=16)
    assert {office.see(task).status for task in tasks} == {"completed"}
    [told] = outage_alarms(office)
    assert told.startswith("Over:")
    assert rows(office, "select * from outages") == []
    counted = rows(
        office, "select event_type, count(*)::int as n from task_events"
        " where event_type like 'vendor%%' group by 1 order by 1",
    )  # fmt: skip
    assert counted == [{"event_type": "vendor_back", "n": 1}, {"event_type": "vendor_down", "n": 1}]


def test_the_pauses_grow_up_to_a_quarter_of_an_hour(office: Company) -> None:
    office.order("crm", "answer", status=503, times=1000)
    [task] = start(office, LOOK_UP, 1, **ANNA)
    waits = []
    for _ in range(12):
        [row] = rows(
            office, "select extract(epoch from wake_at - engine_now())::float8 as w from tasks"
        )
        waits.append(row["w"])
        office.pass_time(minutes=16)
    assert waits[0] < 2.1
    assert all(later >= earlier * 0.99 for earlier, later in itertools.pairwise(waits))
    assert 890 < waits[-1] <= 900
    parked = [e for e in office.timeline(task) if e["event_type"] == "task_parked"]
    assert len(parked) == 1, "it has nothing new to tell each time"


def test_a_second_outage_is_told_anew(office: Company) -> None:
    for _ in range(2):
        office.order("crm", "answer", status=503, times=1)
        [task] = start(office, LOOK_UP, 1, **ANNA)
        office.pass_time(minutes=1)
        assert office.see(task).status == "completed"
    assert len(outage_alarms(office)) == 2


def test_a_crm_that_drops_reads_is_down_too(office: Company) -> None:
    office.order("crm", "drop_before", times=3)
    [task] = start(office, LOOK_UP, 1, **ANNA)
    assert task.parked_for == "outage:crm"
    for _ in range(4):
        office.pass_time(minutes=16)
    assert office.see(task).status == "completed"


def test_posts_wait_for_slack_and_go_out_once(office: Company) -> None:
    office.order("slack", "answer", status=503, times=1000)
    tasks = start(office, NOTIFY, 3)
    vendors_have_answered(office)
    assert {office.see(task).status for task in tasks} == {"waiting_on_timer"}
    assert [office.see(task).attempt for task in tasks] == [0] * 3
    assert len(rows(office, "select * from cards where cause = 'outage:slack'")) == 1

    office.local.clear_faults()
    for _ in range(3):
        vendors_have_answered(office)
    assert {office.see(task).status for task in tasks} == {"completed"}
    assert sum("lawn is green" in str(m) for m in office.messages("#leads-incoming")) == 3
    [told] = outage_alarms(office)
    assert told.startswith("Over:")


def test_a_question_is_answered_while_slack_is_down(office: Company) -> None:
    office.order("slack", "answer", status=503, times=1000)
    ask = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
    task = begin(office, ask)
    assert task.status == "waiting_on_human"
    assert answer(office, task, "ok").status == "completed"
    office.local.clear_faults()
    for _ in range(2):
        vendors_have_answered(office)
    [card] = office.messages("#leads-incoming")
    assert "actions" not in [block["type"] for block in card["blocks"]]


def test_a_mail_that_could_not_be_handed_over_is_tried_again_by_itself(office: Company) -> None:
    from tests.engine.test_effects import MAIL, SEND

    office.order("ses", "answer", status=429, headers={"Retry-After": "20"}, times=1)
    task = begin(office, SEND, MAIL)
    assert (task.status, task.parked_for, task.attempt) == (
        "waiting_on_timer", "rate_limited:mail", 0,
    )  # fmt: skip
    office.pass_time(seconds=21)
    assert office.see(task).status == "completed"
    assert len(office.outbox) == 1


# -- 429 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "steps", "path"),
    [("crm", LOOK_UP, ""), ("crm", WRITE, ""), ("slack", NOTIFY, "chat.postMessage")],
    ids=["read", "write", "post"],
)
def test_a_429_holds_everyone_back(office: Company, vendor: str, steps: str, path: str) -> None:
    office.order(
        vendor, "answer", path=path, status=429, headers={"Retry-After": "45"}, times=1,
        body='{"ok": false, "error": "ratelimited"}',
    )  # fmt: skip
    tasks = start(office, steps, 5, **ANNA)
    assert len(office.requests(vendor, path)) == 1
    for task in tasks:
        assert (task.status, task.attempt) == ("waiting_on_timer", 0)
        assert task.parked_for == f"rate_limited:{vendor}"
        assert task.wake_at is not None
        assert 40 < (task.wake_at - task.created_at).total_seconds() < 50
    assert not outage_alarms(office)
    for _ in range(6):
        office.pass_time(seconds=46)
    assert {office.see(task).status for task in tasks} == {"completed"}
    assert len(sent(office, vendor, "POST", path)) == (0 if steps == LOOK_UP else 6)


def test_a_429_holds_back_those_who_had_reserved_a_slot(office: Company) -> None:
    """Five posts have slots a second apart; the first one is told to wait."""
    tasks = start(office, NOTIFY, 1)
    with office.runtime.database.statement("fill") as conn:
        conn.execute("update rate_limits set next_free = now() + interval '3 s'")
    tasks = start(office, NOTIFY, 2)
    assert {task.parked_for for task in tasks} == {"slot:slack:#leads-incoming"}
    before = len(sent(office, "slack", path="chat.postMessage"))
    office.order("slack", "answer", path="chat.postMessage", status=429,
                 headers={"Retry-After": "60"}, times=1)  # fmt: skip
    with office.runtime.database.statement("pass_time") as conn:
        conn.execute("update clock set shift = shift + interval '10 s'")
    office.settle()
    assert len(sent(office, "slack", path="chat.postMessage")) == before + 1
    for _ in range(3):
        office.pass_time(seconds=61)
    assert {office.see(task).status for task in tasks} == {"completed"}
