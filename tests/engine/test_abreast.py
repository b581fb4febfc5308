"""Several tasks that one thread carries side by side: who may be taken together, that none
suffers for another, and that whoever calls a vendor finds a thread of its own."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from engine import claims, executor
from engine.crew import Crew
from engine.step_run import Run
from engine.steps import STEP_TYPES
from engine.steps.contract import Done
from engine.tasks import CONTEXT_LIMIT, Task
from tests.engine.hands import expire_lease, procedure, rows, setting, summaries
from tests.engine.test_claiming import agent, start
from tests.engine.test_time_limits import rescue_all
from tests.world import Company, wait_until

WHOLE = ["task_started", "step_completed", "step_completed", "task_completed"]
CALLING = """
- {key: look, name: Look, type: query, config: {cases: [{when: 'false', goto: next}]}}
- {key: find, name: Find, type: query, config: {operation: get_customer, id: L-1}}
- {key: last, name: Last, type: query, config: {cases: [{when: 'false', goto: next}]}}
"""


def several(office: Company, count: int) -> list[Task]:
    agent(office, "one", None)
    return [start(office, "of_one") for _ in range(count)]


def together(office: Company, room: int = 5) -> list[Run]:
    return claims.claim(office.runtime, room=room)


def lap(office: Company, runs: list[Run], **how: Any) -> list[Run]:
    return executor.lap(office.runtime, runs, **how)


def commits(office: Company, event_type: str) -> int:
    found = rows(
        office,
        "select count(distinct xmin::text)::int as n from task_events where event_type = %s",
        event_type,
    )
    return found[0]["n"]


def whole(office: Company, tasks: list[Task]) -> bool:
    return all(
        office.events(task) == WHOLE
        and [row["seq"] for row in office.timeline(task)] == [1, 2, 3, 4]
        and office.see(task).status == "completed"
        for task in tasks
    )


# -- who is taken together -----------------------------------------------------------


def test_several_of_one_procedure_go_side_by_side(office: Company) -> None:
    tasks = several(office, 7)
    runs = together(office)
    assert [run.task.number for run in runs] == [task.number for task in tasks[:5]]
    runs = lap(office, runs)
    assert commits(office, "step_completed") == 1, "one commit for the five"
    runs = lap(office, runs, onwards=True)
    assert sorted(run.task.number for run in runs) == [tasks[5].number, tasks[6].number]
    assert whole(office, tasks[:5])
    assert commits(office, "step_completed") == 2
    while runs:
        runs = lap(office, runs, onwards=True)
    assert whole(office, tasks)


def test_the_more_urgent_ones_come_first(office: Company) -> None:
    several(office, 2)
    urgent = [start(office, "of_one", priority=n) for n in (5, 9)]
    assert [run.task.number for run in together(office, 2)] == [t.number for t in urgent[::-1]]


def test_nobody_is_passed_over_where_others_wait(office: Company) -> None:
    for slug in ("one", "two"):
        agent(office, slug, None)
        for _ in range(3):
            start(office, f"of_{slug}")
    taken = [run for _ in range(4) for run in together(office)]
    assert [run.procedure.sop.slug for run in taken] == ["of_one", "of_two"] * 2


def test_an_agent_with_a_limit_has_them_one_by_one(office: Company) -> None:
    agent(office, "busy", 3)
    for _ in range(4):
        start(office, "of_busy")
    assert [len(together(office)) for _ in range(4)] == [1, 1, 1, 0]


def test_what_was_parked_is_left_to_a_claim_of_its_own(office: Company) -> None:
    """It may be what kills workers."""
    tasks = several(office, 4)
    with office.runtime.database.statement("park") as conn:
        conn.execute("update tasks set parked_for = 'rescued' where id = %s", [tasks[1].id])
    taken = [run.task.number for run in together(office)]
    assert taken == [tasks[n].number for n in (0, 2, 3)]
    assert [run.task.number for run in together(office)] == [tasks[1].number]


def test_no_more_than_there_is_room_for(office: Company) -> None:
    several(office, 5)
    assert [len(together(office, room)) for room in (1, 2, 9)] == [1, 2, 2]


# -- none suffers for another --------------------------------------------------------


def test_a_lost_run_writes_nothing_and_the_others_go_on(office: Company) -> None:
    tasks = several(office, 3)
    runs = together(office)
    expire_lease(office, tasks[1])
    late = office.timeline(tasks[1])
    going = lap(office, runs)
    assert [run.task.number for run in going] == [tasks[0].number, tasks[2].number]
    assert office.timeline(tasks[1]) == late
    assert lap(office, going) == []
    assert whole(office, [tasks[0], tasks[2]])


def test_lost_ones_claim_nothing_in_their_place(office: Company) -> None:
    tasks = several(office, 3)
    runs = lap(office, together(office, 2))
    expire_lease(office, tasks[0])
    going = lap(office, runs, onwards=True)
    assert len(going) == 1


def test_whose_row_is_held_keeps_nobody_waiting(office: Company) -> None:
    tasks = several(office, 3)
    runs = together(office)
    with psycopg.connect(office.runtime.database.dsn) as act:
        act.execute("select from tasks where id = %s for update", [tasks[0].id])
        thread = threading.Thread(target=lap, args=(office, runs))
        thread.start()
        wait_until(lambda: all(len(office.events(task)) == 2 for task in tasks[1:]))
        assert thread.is_alive(), "which waits for the one"
        assert len(office.events(tasks[0])) == 1
    thread.join()
    assert [len(office.events(task)) for task in tasks] == [2, 2, 2]


def test_what_cannot_be_written_fails_by_itself(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = several(office, 4)
    outputs = iter([{"x": 1}, {"x": "y" * CONTEXT_LIMIT}, {"x": object()}, {"x": "\x00 \ud800"}])
    monkeypatch.setattr(STEP_TYPES["query"], "run", lambda *_: Done(next(outputs)))
    going = lap(office, together(office))
    assert [run.task.number for run in going] == [tasks[0].number, tasks[3].number]
    assert [office.see(task).status for task in tasks] == [
        "in_progress", "escalated", "waiting_on_timer", "in_progress",
    ]  # fmt: skip
    assert office.see(tasks[3]).context["x"] == " �"


def test_what_the_server_refuses_for_all_is_written_one_by_one(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database knows a rule that the engine does not."""
    tasks = several(office, 3)
    with office.runtime.database.statement("rule") as conn:
        conn.execute("alter table tasks add check (context ->> 'x' <> 'refused')")
    outputs = iter(["a", "refused", "b"])
    monkeypatch.setattr(STEP_TYPES["query"], "run", lambda *_: Done({"x": next(outputs)}))
    going = lap(office, together(office))
    assert [run.task.number for run in going] == [tasks[0].number, tasks[2].number]
    assert "crashed: CheckViolation" in summaries(office, tasks[1], "step_retried")[0]


def test_a_step_that_crashes_fails_by_itself(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = several(office, 3)
    turns = iter(range(9))

    def stumble(*_: object) -> Done:
        assert next(turns) != 1
        return Done()

    monkeypatch.setattr(STEP_TYPES["query"], "run", stumble)
    lap(office, together(office))
    assert [office.events(task)[1] for task in tasks] == [
        "step_completed", "step_retried", "step_completed",
    ]  # fmt: skip


# -- a crew --------------------------------------------------------------------------


def at_work(office: Company, size: int) -> Crew:
    crew = Crew(office.runtime, size=size, on_exhausted=lambda: None)
    crew.start()
    return crew


def test_a_crew_carries_them_side_by_side(office: Company) -> None:
    tasks = several(office, 60)
    crew = at_work(office, 4)
    try:
        wait_until(lambda: whole(office, tasks))
        wait_until(lambda: not crew.busy)
    finally:
        assert crew.stop(seconds=5)
    assert commits(office, "step_completed") < 120, "some of them in one commit"


def test_whoever_calls_a_vendor_finds_a_thread_of_its_own(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are at the vendor's at the same time."""
    office.import_sop(procedure(CALLING))
    for _ in range(6):
        office.run_sop("small")
    there = threading.Barrier(6)
    crm: Any = office.runtime.crm
    once = crm.get_customer

    def meet(*given: Any, **named: Any) -> Any:
        there.wait(20)
        return once(*given, **named)

    monkeypatch.setattr(crm, "get_customer", meet)
    crew = at_work(office, 6)
    try:
        ended = "select count(*)::int as n from tasks where status = 'completed'"
        wait_until(lambda: rows(office, ended) == [{"n": 6}])
    finally:
        assert crew.stop(seconds=5)


def test_a_crew_takes_no_more_than_it_has_threads(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(office, 12)
    release = threading.Event()

    def hang(*_: object) -> Done:
        release.wait(20)
        return Done()

    monkeypatch.setattr(STEP_TYPES["query"], "run", hang)
    crew = at_work(office, 4)
    running = "select count(*)::int as n from tasks where status = 'in_progress'"
    try:
        wait_until(lambda: rows(office, running) == [{"n": 4}])
        assert crew.busy == 4
        crew.rouse()
        wait_until(lambda: crew.busy == 4)
        assert rows(office, running) == [{"n": 4}]
    finally:
        release.set()
        assert crew.stop(seconds=5)


def test_beside_one_that_hangs_the_others_go_on(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own thread is given up; what that had in hand besides is somebody else's."""
    monkeypatch.setattr("engine.keeper.DEADLINE_GRACE_SECONDS", 0.1)
    monkeypatch.setattr("engine.keeper.BEAT_SECONDS", 0.2)
    step = "- {key: look, name: Look, type: query, timeout_seconds: 1, max_retries: 0,"
    office.import_sop(procedure(step + " config: {cases: [{when: 'true', goto: complete}]}}"))
    tasks = [office.run_sop("small", nr=n) for n in range(4)]
    release = threading.Event()

    def hang(_: Any, ctx: Any) -> Done:
        if ctx.context["nr"] == 1:
            release.wait(30)
        return Done(summary="done")

    monkeypatch.setattr(STEP_TYPES["query"], "run", hang)
    crew = at_work(office, 8)
    others = [tasks[0], *tasks[2:]]
    try:
        wait_until(lambda: summaries(office, tasks[1], "step_failed") == ["timed_out"])
        wait_until(lambda: all(office.see(task).status == "completed" for task in others))
        assert crew.abandoned == 1
        release.set()
        wait_until(lambda: not crew.busy)
    finally:
        release.set()
        assert crew.stop(seconds=5)
    assert all(office.events(task).count("step_completed") == 1 for task in others)
    assert "step_completed" not in office.events(tasks[1])


def test_what_waits_for_a_thread_when_the_worker_stops_is_given_back(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.import_sop(procedure(CALLING))
    tasks = [office.run_sop("small") for _ in range(4)]
    crew = Crew(office.runtime, size=8, on_exhausted=lambda: None)
    crm: Any = office.runtime.crm
    once = crm.get_customer

    def late(*given: Any, **named: Any) -> Any:
        wait_until(lambda: crew.stopping)
        return once(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(crm, "get_customer", late)
        # Nobody is roused, so whatever is passed on waits.
        patched.setattr(Crew, "rouse", lambda _: None)
        crew.start()
        crew._calls = 1
        with crew._changed:
            crew._changed.notify()
        wait_until(lambda: len(crew._roster._waiting) == 3)
        assert crew.stop(seconds=5)
    held = "select count(*)::int as n from tasks where status = 'in_progress'"
    assert rows(office, held) == [{"n": 0}]
    rescue_all(office)
    office.settle()
    assert all(office.see(task).status == "completed" for task in tasks)


def test_leases_of_all_in_hand_are_renewed(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(office, 4)
    release = threading.Event()

    def hang(*_: object) -> Done:
        release.wait(20)
        return Done()

    monkeypatch.setattr(STEP_TYPES["query"], "run", hang)
    leases = "select count(*)::int as n from tasks where lease_until > %s"
    with setting(office, lease_renewal_seconds=0.2):
        crew = at_work(office, 8)
        try:
            wait_until(lambda: crew.busy == 4)
            latest = rows(office, "select max(lease_until) as at from tasks")[0]["at"]
            wait_until(lambda: rows(office, leases, latest) == [{"n": 4}])
        finally:
            release.set()
            assert crew.stop(seconds=5)
