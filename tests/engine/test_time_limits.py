"""A step that is over its time while its thread hangs: the keeper ends it, and somebody
goes on with its branch; what the thread says later counts for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from engine import failures, keeper
from engine.crew import Crew
from engine.steps import STEP_TYPES
from engine.steps.contract import Done
from tests.engine.hands import procedure, rescue, setting, summaries
from tests.world import Company, wait_until

BRANCHING = """
- key: look
  name: Look
  type: query
  max_retries: 0
  timeout_seconds: 1
  on_failure: tell
  config: {cases: [{when: 'true', goto: complete}]}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'It took too long.'}
"""


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The step hangs until this is set."""
    release = threading.Event()

    def hang(*_: object) -> Done:
        release.wait(30)
        return Done(summary="late")

    monkeypatch.setattr(STEP_TYPES["query"], "run", hang)
    monkeypatch.setattr(keeper, "DEADLINE_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(keeper, "BEAT_SECONDS", 0.2)
    yield release
    release.set()


@contextmanager
def at_work(office: Company) -> Iterator[Crew]:
    there = Crew(office.runtime, size=2, on_exhausted=lambda: None)
    there.start()
    try:
        yield there
    finally:
        there.stop(seconds=5)


def test_the_branch_of_a_step_that_hangs_is_taken(
    office: Company, released: threading.Event
) -> None:
    office.import_sop(procedure(BRANCHING))
    task = office.run_sop("small")
    with at_work(office) as there:
        wait_until(lambda: office.see(task).status == "completed")
        released.set()
        wait_until(lambda: not there.busy)
    assert summaries(office, task, "step_failed") == ["timed_out"]
    assert office.events(task).count("step_completed") == 1
    assert sum("took too long" in m["text"] for m in office.messages("#leads-incoming")) == 1


def test_it_is_ended_though_the_database_is_away_just_then(
    office: Company, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.import_sop(procedure(BRANCHING))
    task = office.run_sop("small")
    recorded, tries = failures.record, []

    def falter(*given: Any) -> bool:
        tries.append(given)
        if len(tries) == 1:
            raise psycopg.OperationalError("the connection is gone")
        return recorded(*given)

    monkeypatch.setattr(failures, "record", falter)
    began = time.monotonic()
    with at_work(office):
        wait_until(lambda: office.see(task).status == "completed")
        assert time.monotonic() - began < 15, "and not only when the lease is over"
        released.set()
    assert len(tries) == 2


def test_what_its_thread_says_while_it_is_ended_is_not_written(
    office: Company, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step comes to its end after all, when the keeper is about to write that it has not."""
    office.import_sop(procedure(BRANCHING))
    task = office.run_sop("small")
    recorded = failures.record

    def slow(*given: Any) -> bool:
        released.set()
        threading.Event().wait(0.5)
        return recorded(*given)

    monkeypatch.setattr(failures, "record", slow)
    with at_work(office):
        wait_until(lambda: office.see(task).status == "completed")
    assert summaries(office, task, "step_failed") == ["timed_out"]
    assert "late" not in summaries(office, task, "step_completed")


def test_what_a_worker_has_handed_over_it_does_not_take_back(
    office: Company, released: threading.Event
) -> None:
    """It stops, and its keeper renews the leases as long as there are runs."""
    office.import_sop(procedure(BRANCHING.replace("timeout_seconds: 1", "timeout_seconds: 60")))
    office.run_sop("small")
    with setting(office, lease_renewal_seconds=0.05):
        there = Crew(office.runtime, size=1, on_exhausted=lambda: None)
        there.start()
        wait_until(lambda: there.busy == 1)
        assert not there.stop(seconds=0.2), "the step hangs"
        time.sleep(0.6)
        assert rescue(office) == 1
    released.set()
    wait_until(lambda: not there.busy)


def test_what_its_thread_is_writing_when_it_is_ended_is_not_undone(
    office: Company, released: threading.Event
) -> None:
    """Both wait for the task's row, which a person's act holds: first the thread, with the
    step's end, then the keeper, with its failure."""
    office.import_sop(
        procedure(BRANCHING.replace("config: {cases", "on_success: tell\n  config: {cases"))
    )
    task = office.run_sop("small")
    with at_work(office) as there:
        wait_until(lambda: there.busy == 1)
        with psycopg.connect(office.runtime.database.dsn) as act:
            act.execute("select from tasks where id = %s for update", [task.id])
            released.set()
            time.sleep(3)
        wait_until(lambda: office.see(task).status != "in_progress" or there.abandoned)
    # What is left of it is taken up when the lease is over.
    rescue_all(office)
    office.settle()
    assert office.see(task).status == "completed"
    assert office.events(task).count("step_failed") == 0
    assert office.events(task).count("step_completed") == 2
    assert sum("took too long" in m["text"] for m in office.messages("#leads-incoming")) == 1


def rescue_all(office: Company) -> None:
    with office.runtime.database.statement("expire") as conn:
        conn.execute("update tasks set lease_until = now() where status = 'in_progress'")
    rescue(office)
