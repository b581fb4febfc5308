"""The claim that comes with a task's end: the same task that a claim by itself would take,
and nothing where the run was lost."""

from __future__ import annotations

from engine import executor
from engine.crew import Crew
from engine.step_run import Run
from tests.engine.hands import expire_lease, rows
from tests.engine.test_claiming import agent, claim, running, start
from tests.world import Company, wait_until


def go_on(office: Company, run: Run) -> Run | None:
    return office.carry(run, onwards=True)


def test_the_next_task_is_claimed_with_the_end_of_one(office: Company) -> None:
    for slug in ("one", "two"):
        agent(office, slug, None)
    first = start(office, "of_one")
    run = claim(office)
    order = [start(office, "of_one"), start(office, "of_two"), start(office, "of_two", priority=5)]
    taken = []
    while (following := go_on(office, run)) is not None:
        run = following
        taken.append(run.task.number)
    assert taken == [order[n].number for n in (2, 0, 1)]
    for task in (first, *order):
        assert office.see(task).status == "completed"
        assert office.events(task) == ["task_started", *["step_completed"] * 2, "task_completed"]
        assert [row["seq"] for row in office.timeline(task)] == [1, 2, 3, 4]


def test_a_lost_run_claims_nothing(office: Company) -> None:
    agent(office, "one", None)
    task = start(office, "of_one")
    late = claim(office)
    assert executor.lap(office.runtime, [late]) == [late]
    expire_lease(office, task)
    now = claim(office)
    start(office, "of_one")
    events = office.timeline(task)
    assert go_on(office, late) is None
    assert office.timeline(task) == events
    assert rows(office, "select status from tasks order by number") == [
        {"status": "in_progress"}, {"status": "pending"},
    ]  # fmt: skip
    assert go_on(office, now) is not None


def test_an_agent_with_a_limit_is_left_to_a_claim_by_itself(office: Company) -> None:
    agent(office, "busy", 1)
    agent(office, "idle", None)
    start(office, "of_busy")
    busy = claim(office)
    start(office, "of_busy", priority=9)
    start(office, "of_idle")
    assert go_on(office, busy) is None
    assert running(office, "busy") == 0
    assert claim(office).procedure.sop.slug == "of_busy"
    idle = claim(office)
    start(office, "of_idle")
    following = go_on(office, idle)
    assert following is not None
    assert (following.procedure.sop.slug, running(office, "busy")) == ("of_idle", 1)


def test_a_paused_agents_task_is_not_claimed_with_anothers_end(office: Company) -> None:
    for slug in ("one", "two"):
        agent(office, slug, None)
    start(office, "of_one")
    run = claim(office)
    start(office, "of_two")
    with office.runtime.database.statement("pause") as conn:
        conn.execute("update agents set status = 'paused' where slug = 'two'")
    assert go_on(office, run) is None


def test_a_worker_that_stops_claims_nothing_more(office: Company) -> None:
    agent(office, "one", None)
    start(office, "of_one")
    run = claim(office)
    start(office, "of_one")
    stopping = iter([False, False, True, True])
    following = office.carry(run, stopping=lambda: next(stopping), onwards=True)
    assert following is None
    assert rows(office, "select count(*)::int as n from tasks where status = 'in_progress'") == [
        {"n": 0}
    ]


def test_one_that_cannot_be_read_ends_and_keeps_nobody(office: Company) -> None:
    """As after a release that no longer knows what an earlier one had published."""
    for slug in ("one", "two"):
        agent(office, slug, None)
    start(office, "of_one")
    run = claim(office)
    broken = start(office, "of_two")
    with office.runtime.database.transaction("break") as conn:
        conn.execute("set local session_replication_role = replica")
        config = '{"operation": "sing"}'
        conn.execute("update steps set config = %s where sop_id = %s", [config, broken.sop_id])
    assert go_on(office, run) is None
    assert office.see(broken).status == "failed"


def test_a_crew_carries_one_after_the_other(office: Company) -> None:
    agent(office, "one", None)
    for _ in range(40):
        start(office, "of_one")
    crew = Crew(office.runtime, size=3, on_exhausted=lambda: None)
    crew.start()
    try:
        done = "select count(*)::int as n from tasks where status = 'completed'"
        wait_until(lambda: rows(office, done) == [{"n": 40}])
        wait_until(lambda: not crew.busy)
    finally:
        assert crew.stop(seconds=5)


def test_an_agent_with_a_limit_is_not_passed_over_while_others_wait(office: Company) -> None:
    """Threads that only go from one end to the next claim would never get to it."""
    agent(office, "busy", 1)
    agent(office, "idle", None)
    start(office, "of_idle")
    run = claim(office)
    start(office, "of_idle")
    start(office, "of_busy", priority=9)
    assert go_on(office, run) is None, "it is left to a claim by itself"
    assert claim(office).procedure.sop.slug == "of_busy"


def test_what_was_parked_is_left_to_a_claim_by_itself(office: Company) -> None:
    """It may have to be alone in its worker, which a claim looks after."""
    agent(office, "one", None)
    start(office, "of_one")
    run = claim(office)
    start(office, "of_one")
    with office.runtime.database.statement("park") as conn:
        conn.execute("update tasks set parked_for = 'rescued' where status = 'pending'")
    assert go_on(office, run) is None
