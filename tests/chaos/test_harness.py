"""That the harness can fail: the engine is broken on purpose, in one way after another, and
each time the very checks of the crash matrix and of the storm find it. What no failpoint
covers is found in `test_matrix.py`."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from tests.chaos import playing, storm_accounts
from tests.chaos.matrix import Theatre
from tests.chaos.playing import Death, play
from tests.chaos.stage import SHORT, Stage
from tests.chaos.stories import LEAD_STORY, Story
from tests.chaos.storm_accounts import Books
from tests.chaos.storm_watch import Watch
from tests.engine.hands import procedure

pytestmark = pytest.mark.slow

LEASE = 10.0
READ = "- {key: read, name: Read, type: query, config: {operation: find_customer, email: 'a@b.c'}}"


def broken(how: str, story: Story = LEAD_STORY) -> Story:
    return replace(story, environment={**story.environment, "SABOTAGE": how})


# -- recovery that comes too late -------------------------------------------------------------


def resumes(theatre: Theatre, how: str) -> Books:
    """The storm's figure of one worker that is killed, with leases of a third of the usual."""
    leases = {"LEASE_SECONDS": f"{LEASE:g}", "LEASE_RENEWAL_SECONDS": f"{LEASE / 3:g}"}
    with theatre.empty_stage() as here:
        watch = Watch(here, LEASE)
        here.import_sop(procedure(READ))
        here.order("crm", "slow", seconds=2)
        first = here.worker(**leases, SABOTAGE=how)
        here.run_sop("small")
        running = "select exists (select from tasks where status = 'in_progress')"
        here.until(lambda: here.value(running), seconds=30, what="the read")
        watch.look()
        here.worker(**leases, SABOTAGE=how)
        watch.note()
        first.kill()
        over = "select exists (select from tasks where status = 'completed')"
        here.until(lambda: watch.look() or here.value(over), seconds=90, what="the end")
        books = Books()
        storm_accounts.count_resumes(watch, books)
        return books


def test_a_rescue_after_twice_the_time_is_found(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one in time is not: 45 s for leases of 30 are 15 for leases of 10."""
    in_proportion = storm_accounts.RESUME_SECONDS * LEASE / 30
    monkeypatch.setattr(storm_accounts, "RESUME_SECONDS", in_proportion)
    with ThreadPoolExecutor(2) as pool:
        late, sound = pool.map(lambda how: resumes(theatre, how), ("late_rescue", ""))
    assert late.resumed == sound.resumed == 1
    assert not late.well
    assert late.findings == [f"resume: {late.resume_max_s} s after a blow"]
    assert sound.well, sound.findings


class Crowd:
    """A stage on which somebody new runs at each look, and where many were rescued."""

    def rows(self, query: str) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        if "in_progress" in query:
            began = {"step_started_at": now, "lease_until": now}
            return [{"id": uuid4(), "run_token": uuid4(), **began} for _ in range(200)]
        event = {"created_at": now, "event_type": "task_rescued"}
        return [{"task_id": uuid4(), **event} for _ in range(20)]


def test_rescues_are_counted_while_the_watch_goes_on() -> None:
    watch = Watch(cast(Stage, Crowd()), LEASE)
    watch.look()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(lambda: [watch.look() for _ in range(100)])
        while not looking.done():
            watch.resumes()
    looking.result()


def test_a_task_that_stays_in_progress_is_found(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "PATIENCE_SECONDS", 12.0)
    with theatre.empty_stage() as here:
        began = time.monotonic()
        played = play(here, broken("no_rescue"), death=Death("worker", "call:claude:reply:after"))
        assert played.died
        assert time.monotonic() - began >= 12
        [finding] = played.findings
        assert finding.startswith("no rest after 12 s")
        books = Books()
        nobody: Any = SimpleNamespace(offered=[], cancelled=set())
        storm_accounts._count_tasks(here, nobody, books)
        assert books.stuck == 1
        assert "stuck: task 1 (new_lead_response) is in_progress" in books.findings


# -- effects that are repeated ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "finding"),
    [
        ("call:mail:send:after", "mails: ('rachel.sandberg@example.com',"),
        ("call:slack:notify:after", "posts: Answered Rachel Sandberg 2 times, not 1"),
    ],
)
def test_a_call_that_is_repeated_without_a_look_is_found(
    theatre: Theatre, place: str, finding: str
) -> None:
    played = theatre.play(broken("no_look_up"), Death("worker", place))
    assert played.died
    vendor = place.split(":")[1]
    carried_out = [one for one in played.findings if one.endswith("was carried out 2 times")]
    assert [one.partition(":")[0] for one in carried_out] == [vendor], played.findings
    assert any(one.startswith(finding) for one in played.findings), played.findings


# -- doubts -------------------------------------------------------------------------------------


def in_doubt(theatre: Theatre, kind: str, **facts: Any) -> list[str]:
    """A lead whose mail the vendor answers like that, though the story knows of no doubt."""

    def begin(stage: Stage) -> None:
        LEAD_STORY.begin(stage)
        stage.order("ses", kind, **facts)

    return theatre.play(replace(LEAD_STORY, begin=begin, faults=True)).findings


def test_a_doubt_without_a_reason_is_found(theatre: Theatre) -> None:
    [finding] = in_doubt(theatre, "drop_after")
    assert finding.startswith("questions about a doubt: 1, not 0")


def test_a_doubt_after_a_whole_timeout_is_the_machines(theatre: Theatre) -> None:
    assert in_doubt(theatre, "slow", seconds=float(SHORT["MAIL_TIMEOUT_SECONDS"])) == []


def test_a_doubt_after_a_worker_stood_still_is_the_machines(theatre: Theatre) -> None:
    """Longer than its lease, in the middle of a send."""
    paused: list[float] = []

    def begin(stage: Stage) -> None:
        LEAD_STORY.begin(stage)
        stage.order("ses", "slow", seconds=1.5)

    def stand_still(stage: Stage) -> bool:
        calling = "select exists (select from effects where vendor = 'mail' and state = 'intended')"
        worker = stage.children[0]
        if not paused:
            if not stage.value(calling):
                return False
            worker.signal(signal.SIGSTOP)
            paused.append(time.monotonic())
        if len(paused) == 1:
            if time.monotonic() - paused[0] < float(SHORT["LEASE_SECONDS"]) + 2:
                return False
            worker.signal(signal.SIGCONT)
            paused.append(time.monotonic())
        return True

    played = theatre.play(replace(LEAD_STORY, begin=begin, meanwhile=stand_still, faults=True))
    assert len(paused) == 2
    assert played.findings == []


# -- events ---------------------------------------------------------------------------------------


def test_events_that_are_written_twice_are_found(theatre: Theatre) -> None:
    with theatre.empty_stage() as here:
        played = play(here, broken("events_twice"))
        assert any("task_completed 2 times" in one for one in played.findings), played.findings
        books = Books()
        storm_accounts._count_events(here, books)
        assert not books.well
        assert any("was completed 2 times" in one for one in books.findings), books.findings


def test_events_that_are_missing_are_found(theatre: Theatre) -> None:
    with theatre.empty_stage() as here:
        played = play(here, broken("events_lost"))
        assert any("have a gap or a double" in one for one in played.findings), played.findings
        books = Books()
        storm_accounts._count_events(here, books)
        assert books.duplicate_events > 0
