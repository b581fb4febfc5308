"""Calls that were cut short in a task that then ended, and look-ups that a vendor refuses:
nothing stays in doubt for ever, and nothing is made twice."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from engine import erasure
from engine.tasks import Task
from jobs import timetable
from tests.engine import test_settling as settling
from tests.engine.hands import (
    alarms,
    answer,
    begin,
    cancel,
    effects_of,
    question,
    rows,
    sent,
    summaries,
    vendors_have_answered,
)
from tests.world import Company

TELL = """
- key: tell
  name: Tell the channel
  type: slack_notify
  config: {text: 'The season begins.'}
- key: again
  name: Tell them more
  type: slack_notify
  config: {text: 'And so it goes on.'}
"""


class AtWork:
    """What the clock's jobs are given by a worker."""

    def __init__(self, office: Company) -> None:
        self.runtime = office.runtime


def tick(office: Company) -> None:
    timetable.tick.func(SimpleNamespace(additional_context={"worker": AtWork(office)}))
    office.settle()


def test_what_breaks_in_the_tick_keeps_nothing_else_from_being_done(office: Company) -> None:
    """A table that is locked, a program's slip: whatever it is, data is erased, and it is told."""
    task = begin(office, TELL, {"customer_name": "Anna Berg"})
    office.pass_time(days=40)
    with office.runtime.database.statement("break") as conn:
        conn.execute("alter table watchers rename to elsewhere")
    tick(office)
    assert office.see(task).erased_at is not None
    [told] = watchers_alarms(office)
    assert "watchers (UndefinedTable" in told
    with office.runtime.database.statement("mend") as conn:
        conn.execute("alter table elsewhere rename to watchers")
    tick(office)
    [told] = watchers_alarms(office)
    assert told.startswith("Over:")


def watchers_alarms(office: Company) -> list[str]:
    """In the evening the outlook, which asks them too, has one of its own."""
    return [
        text for text in alarms(office) if "own work stumbles at every minute: watchers" in text
    ]


def cut_short(office: Company) -> Task:
    """A mail went out, nobody was told, and the task was cancelled before it was settled."""
    task = settling.unsure(office)
    assert cancel(office, task).status == "cancelled"
    return office.see(task)


def test_a_call_of_a_cancelled_task_is_settled_and_told(office: Company) -> None:
    task = cut_short(office)
    tick(office)
    assert effects_of(office, task) == [("send", "in_doubt", 1)], "Amazon may still be at it"
    vendors_have_answered(office)
    tick(office)
    assert effects_of(office, task) == [("send", "refused", 1)]
    assert summaries(office, task, "effect_settled") == ["unknown"]
    told = [text for text in alarms(office) if f"Task {task.number} is cancelled" in text]
    assert len(told) == 1
    assert "may or may not have gone out" in told[0]
    tick(office)
    assert summaries(office, task, "effect_settled") == ["unknown"]
    assert len(sent(office, "ses")) == 1


def test_its_data_is_erased_then_and_not_before(office: Company) -> None:
    task = cut_short(office)
    office.pass_time(days=office.runtime.settings.erase_after_days + 1)
    assert erasure.erase_due(office.runtime) == 0
    vendors_have_answered(office)
    tick(office)
    assert office.see(task).erased_at is not None
    assert "anna@example.com" not in json.dumps(office.see(task).context)


def test_the_vendors_report_still_counts(office: Company) -> None:
    task = cut_short(office)
    vendors_have_answered(office)
    tick(office)
    settling.report(office)
    assert effects_of(office, task) == [("send", "done", 1)]
    assert len(sent(office, "ses")) == 1


# -- look-ups that are refused --------------------------------------------------------------


def thrown_out(office: Company, kind: str) -> Task:
    """A post got no answer, and then the bot is no longer in the channel."""
    office.order("slack", kind, path="chat.postMessage")
    gone: dict[str, Any] = {"status": 200, "body": '{"ok": false, "error": "not_in_channel"}'}
    office.order("slack", "answer", path="conversations.history", times=1000, **gone)
    task = begin(office, TELL)
    assert task.parked_for == "settling:slack"
    vendors_have_answered(office)
    return office.see(task)


@pytest.mark.parametrize(("fault", "ruling"), [("drop_after", "sent"), ("drop_before", "send")])
def test_a_look_up_that_is_refused_becomes_a_question(
    office: Company, fault: str, ruling: str
) -> None:
    task = thrown_out(office, fault)
    assert task.status == "waiting_on_human"
    asked = question(office, task)
    assert (asked["kind"], asked["channel"]) == ("in_doubt", "#escalations")
    assert any("This post may or may not" in str(m) for m in office.messages("#escalations"))
    assert answer(office, task, ruling).status == "completed"
    posted = [m["text"] for m in office.messages("#leads-incoming")]
    assert posted.count("The season begins.") == 1
    assert posted.count("And so it goes on.") == 1
    assert not rows(office, "select key from effects where state in ('intended', 'in_doubt')")
