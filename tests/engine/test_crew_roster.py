"""Threads of a crew that meet at a bad moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from engine import claims, rescues
from engine.crew import Crew
from engine.solitude import Solitude
from engine.step_run import Run
from engine.steps import STEP_TYPES
from engine.steps.contract import Done
from engine.tasks import Task
from tests.engine.hands import procedure, rows, setting
from tests.engine.test_abreast import CALLING, at_work, several
from tests.engine.test_claiming import start
from tests.world import Company, wait_until

IN_PROGRESS = "select count(*)::int as n from tasks where status = 'in_progress'"


def test_nobody_takes_the_room_of_a_run_that_is_passed_on(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.import_sop(procedure(CALLING))
    for _ in range(12):
        office.run_sop("small")
    follow = Solitude.follow

    def slowly(self: Solitude, ident: int) -> None:
        time.sleep(0.1)
        follow(self, ident)

    monkeypatch.setattr(Solitude, "follow", slowly)
    query = STEP_TYPES["query"]
    once, release = query.run, threading.Event()

    def hang(config: Any, ctx: Any) -> Any:
        if config.operation == "get_customer":
            release.wait(20)
        return once(config, ctx)

    monkeypatch.setattr(query, "run", hang)
    crew = at_work(office, 4)
    try:
        wait_until(lambda: rows(office, IN_PROGRESS)[0]["n"] >= 4)
        time.sleep(1)
        assert rows(office, IN_PROGRESS) == [{"n": 4}]
    finally:
        release.set()
        assert crew.stop(seconds=20)


LOOK_UP = "- {key: find, name: Find, type: query, config: {operation: get_customer, id: L-1}}"


def test_whoever_would_pass_them_on_claims_one_at_a_time(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every step calls somebody; and several again once one does not."""
    claim = claims.claim
    got: list[int] = []

    def counted(runtime: Any, *, room: int = 1) -> list[Run]:
        found = claim(runtime, room=room)
        got.append(len(found))
        return found

    monkeypatch.setattr(claims, "claim", counted)
    office.import_sop(procedure(LOOK_UP))
    several(office, 0)
    crew = at_work(office, 8)

    def claimed(begin: Callable[[], Task]) -> int:
        """The most at once, of many, after one of that kind was carried alone."""
        for count in (1, 40):
            got.clear()
            tasks = [begin() for _ in range(count)]
            crew.rouse()
            for task in tasks:
                wait_until(lambda task=task: office.see(task).status == "completed")
            wait_until(lambda: not crew.busy)
        return max(got)

    try:
        assert claimed(lambda: office.run_sop("small")) == 1
        assert claimed(lambda: start(office, "of_one")) > 1
    finally:
        assert crew.stop(seconds=5)


def test_what_cannot_be_given_back_when_the_worker_stops_is_handed_over(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away for a moment: nobody waits for the leases because of that."""
    office.import_sop(procedure(CALLING))
    for _ in range(4):
        office.run_sop("small")
    crew = Crew(office.runtime, size=8, on_exhausted=lambda: None)
    once, stumbled = rescues.give_back, iter([True])

    def stumble(*given: Any) -> None:
        if next(stumbled, False):
            raise psycopg.OperationalError
        once(*given)

    with monkeypatch.context() as patched:
        # Nobody is roused, so whatever is passed on waits.
        patched.setattr(Crew, "rouse", lambda _: None)
        patched.setattr(rescues, "give_back", stumble)
        crew.start()
        crew._calls = 1
        with crew._changed:
            crew._changed.notify()
        wait_until(lambda: len(crew._roster._waiting) >= 2)
        crew.stop(seconds=5)
    late = "select count(*)::int as n from tasks where lease_until > 'epoch'"
    assert rows(office, late) == [{"n": 0}]


def test_what_a_thread_wrote_after_it_was_abandoned_does_not_wait_for_its_lease(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away when the keeper gave back what that thread had in hand besides."""
    monkeypatch.setattr("engine.keeper.DEADLINE_GRACE_SECONDS", 0.1)
    monkeypatch.setattr("engine.keeper.BEAT_SECONDS", 0.2)
    step = "- {{key: {0}, name: Do, type: query, timeout_seconds: 1, config: {1}}}"
    config = "{cases: [{when: 'false', goto: next}]}"
    office.import_sop(procedure("\n".join(step.format(key, config) for key in ("one", "two"))))
    first, second = (office.run_sop("small", nr=n) for n in range(2))
    release = threading.Event()

    def hang(_: Any, ctx: Any) -> Done:
        if ctx.context["nr"] == 1:
            release.wait(30)
        return Done()

    def stumble(*_: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(STEP_TYPES["query"], "run", hang)
    with monkeypatch.context() as patched:
        patched.setattr(rescues, "give_back", stumble)
        crew = at_work(office, 4)
        wait_until(lambda: "step_retried" in office.events(second) and not crew.busy)
        time.sleep(0.5)
    try:
        release.set()
        wait_until(lambda: office.see(first).status == "completed")
        assert office.events(first).count("step_completed") == 2
        assert "task_rescued" not in office.events(first)
    finally:
        release.set()
        assert crew.stop(seconds=5)


def test_what_comes_while_all_room_is_kept_is_taken_up_at_once(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.keeper.BEAT_SECONDS", 60)
    several(office, 0)
    claim = claims.claim
    looking, go_on = threading.Semaphore(0), threading.Event()

    def slowly(runtime: Any, *, room: int = 1) -> list[Run]:
        found = claim(runtime, room=room)
        looking.release()
        go_on.wait(20)
        return found

    # Room on the floor for more than the two.
    with setting(office, pool_size=4):
        crew = at_work(office, 4)
    try:
        wait_until(lambda: crew._calls == 0)
        monkeypatch.setattr(claims, "claim", slowly)
        for _ in range(2):
            crew.rouse()
            assert looking.acquire(timeout=20), "two threads have looked, and seen nothing"
        task = start(office, "of_one")
        crew.rouse()
        wait_until(lambda: crew._calls == 0)
        time.sleep(0.2)
        go_on.set()
        wait_until(lambda: office.see(task).status == "completed", seconds=10)
    finally:
        go_on.set()
        assert crew.stop(seconds=5)
