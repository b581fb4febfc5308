"""Which task a worker takes next, how many of an agent's run at once, and who holds one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from engine import agents, executor, positions, sops, tasks
from engine.agents import AgentDefinition
from engine.crew import Crew
from engine.errors import RunLost
from engine.step_run import Run
from engine.steps import STEP_TYPES
from engine.task_events import Event
from engine.tasks import Task
from tests.engine.hands import (
    alarms,
    begin,
    cancel,
    expire_lease,
    procedure,
    rescue,
    rows,
    setting,
    summaries,
)
from tests.world import Company, wait_until

NOTHING = """
- key: look
  name: Look
  type: query
  config: {cases: [{when: 'false', goto: next}]}
- key: again
  name: Again
  type: query
  config: {cases: [{when: 'false', goto: next}]}
"""


def agent(office: Company, slug: str, at_once: int | None) -> None:
    definition = AgentDefinition(slug, slug, "does little", max_concurrent_tasks=at_once)
    with office.runtime.database.transaction("agent") as conn:
        agents.define(conn, definition)
    office.import_sop(procedure(NOTHING, slug=f"of_{slug}", agent=slug))


def start(office: Company, sop: str, **facts: Any) -> Task:
    with office.runtime.database.transaction("start") as conn:
        found = sops.active(conn, sop)
        task = tasks.start(conn, found.id, context={}, actor="test", **facts)
    assert task is not None
    return task


def claim(office: Company) -> Run:
    run = office.claim()
    assert run is not None
    return run


def running(office: Company, slug: str) -> int:
    [row] = rows(office, "select running_tasks as n from agents where slug = %s", slug)
    return row["n"]


def test_the_most_urgent_task_comes_first_and_then_the_oldest(office: Company) -> None:
    for slug in ("one", "two"):
        agent(office, slug, None)
    order = [
        start(office, "of_one"), start(office, "of_two"),
        start(office, "of_two", priority=5), start(office, "of_one"),
        start(office, "of_one", priority=5), start(office, "of_two", priority=-1),
    ]  # fmt: skip
    taken = [claim(office).task.number for _ in order]
    wanted = [order[n].number for n in (2, 4, 0, 1, 3, 5)]
    assert taken == wanted
    assert office.claim() is None


def test_of_equally_urgent_ones_the_agent_with_fewest_in_hand_comes_first(office: Company) -> None:
    for slug in ("one", "two", "three"):
        agent(office, slug, None)
    for slug in ("one", "one", "one", "two", "three", "two"):
        start(office, f"of_{slug}")
    taken = [claim(office).procedure.sop.slug for _ in range(6)]
    assert taken == ["of_one", "of_two", "of_three", "of_one", "of_two", "of_one"]


def test_no_more_of_an_agents_tasks_run_at_once_than_it_may(office: Company) -> None:
    agent(office, "busy", 2)
    agent(office, "idle", None)
    for _ in range(5):
        start(office, "of_busy", priority=9)
    start(office, "of_idle")
    first, second = claim(office), claim(office)
    assert running(office, "busy") == 2
    assert claim(office).procedure.sop.slug == "of_idle", "who is full keeps nobody waiting"
    assert office.claim() is None
    office.carry(first)
    assert running(office, "busy") == 1
    third = claim(office)
    assert (third.procedure.sop.slug, running(office, "busy")) == ("of_busy", 2)
    for run in (second, third):
        office.carry(run)
    assert running(office, "busy") == 0
    assert running(office, "idle") == 0, "nobody counts what has no limit"


def test_waiting_tasks_do_not_count(office: Company) -> None:
    agent(office, "busy", 1)
    ask = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
    office.import_sop(procedure(ask, slug="asking", agent="busy"))
    for _ in range(3):
        start(office, "asking")
    office.settle()
    assert rows(office, "select distinct status from tasks") == [{"status": "waiting_on_human"}]
    assert running(office, "busy") == 0


def test_a_dead_workers_tasks_are_counted_off(office: Company) -> None:
    agent(office, "busy", 2)
    for _ in range(3):
        start(office, "of_busy")
    dead = [claim(office), claim(office)]
    assert office.claim() is None
    expire_lease(office, dead[0].task)
    assert running(office, "busy") == 1
    assert claim(office).task.id == dead[0].task.id, "it keeps its place in the queue"
    assert running(office, "busy") == 2
    expire_lease(office, dead[1].task)
    office.settle()
    assert running(office, "busy") == 1


def test_a_wrong_count_is_put_right(office: Company) -> None:
    """A limit that was lifted and set again leaves a count that nobody kept."""
    agent(office, "busy", 1)
    start(office, "of_busy")
    run = claim(office)
    _limit(office, None)
    office.carry(run)
    _limit(office, 1)
    start(office, "of_busy")
    assert office.claim() is None
    with setting(office, lease_renewal_seconds=0.1):
        crew = Crew(office.runtime, size=1, on_exhausted=lambda: None)
        crew.start()
        try:
            wait_until(lambda: running(office, "busy") == 0 and not crew.busy)
            done = "select count(*)::int as n from tasks where status = 'completed'"
            wait_until(lambda: rows(office, done) == [{"n": 2}])
        finally:
            crew.stop(seconds=5)


def _limit(office: Company, at_once: int | None) -> None:
    with office.runtime.database.statement("limit") as conn:
        conn.execute("update agents set max_concurrent_tasks = %s where slug = 'busy'", [at_once])


def test_a_rescued_task_goes_on_from_its_last_step(office: Company) -> None:
    agent(office, "busy", 1)
    task = start(office, "of_busy")
    run = claim(office)
    outcome = executor.perform(office.runtime, run)
    assert executor.record(office.runtime, run, outcome)
    expire_lease(office, task)
    office.settle()
    assert office.see(task).status == "completed"
    done = [row["step_key"] for row in office.timeline(task)
            if row["event_type"] == "step_completed"]  # fmt: skip
    assert done == ["look", "again"]
    assert office.events(task).count("task_rescued") == 1


def test_nothing_is_rescued_before_its_time(office: Company) -> None:
    agent(office, "busy", 1)
    start(office, "of_busy")
    claim(office)
    assert rescue(office) == 0


def test_every_write_of_a_lost_run_is_refused(office: Company) -> None:
    agent(office, "busy", None)
    task = start(office, "of_busy")
    late = claim(office)
    expire_lease(office, task)
    claim(office)
    before, events = office.see(task), office.timeline(task)
    with office.runtime.database.transaction("late") as conn:
        position = positions.Position("completed", late.step.id, late.task.visit)
        with pytest.raises(RunLost):
            positions.record(conn, late.task, position, [Event("task_completed")])
        with pytest.raises(RunLost):
            positions.keep_reply(conn, late.task, {"draft_x": "y"}, Event("llm_called"))
    office.carry(late)
    with pytest.raises(RunLost):
        executor.give_up(office.runtime, late)
    assert (office.see(task), office.timeline(task)) == (before, events)


def test_one_occasion_starts_one_task(office: Company) -> None:
    agent(office, "busy", None)
    start(office, "of_busy", dedupe_key=b"x")
    with office.runtime.database.transaction("start") as conn:
        sop = sops.active(conn, "of_busy")
        again = tasks.start(conn, sop.id, context={}, actor="test", dedupe_key=b"x")
    assert again is None
    assert len(rows(office, "select id from tasks")) == 1
    assert len(rows(office, "select id from task_events where task_id is not null")) == 1


def test_a_start_that_is_rolled_back_leaves_nothing(office: Company) -> None:
    agent(office, "busy", None)
    before = rows(office, "select count(*)::int as n from procrastinate_jobs")
    with office.runtime.database.transaction("start") as conn:
        sop = sops.active(conn, "of_busy")
        tasks.start(conn, sop.id, context={}, actor="test")
        raise psycopg.Rollback
    assert rows(office, "select id from tasks") == []
    assert rows(office, "select count(*)::int as n from procrastinate_jobs") == before


def test_a_version_that_this_program_cannot_read_ends_at_a_person(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old rows meet new code: the task must not be taken up and dropped for ever."""
    office.import_sop(procedure(NOTHING))
    task = office.run_sop("small")

    class Stricter(STEP_TYPES["query"].Config):
        weather: str

    monkeypatch.setattr(STEP_TYPES["query"], "Config", Stricter)
    other = office.mail("spam")
    office.settle()
    stuck = office.see(task)
    assert (stuck.status, stuck.run_token) == ("failed", None)
    assert stuck.error == "sop_invalid"
    assert summaries(office, task, "task_failed") == ["sop_invalid"]
    assert any("small" in text for text in alarms(office))
    assert office.see(other).status == "failed"


def test_a_task_that_was_cancelled_while_pending_is_never_claimed(office: Company) -> None:
    agent(office, "busy", None)
    task = start(office, "of_busy")
    cancel(office, task)
    assert office.claim() is None


def test_settling_leaves_no_lease_behind(office: Company) -> None:
    begin(office, NOTHING)
    office.mail("lead")
    office.settle()
    assert rows(office, "select id from tasks where run_token is not null") == []
