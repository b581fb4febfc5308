"""What a dead worker left: it goes on, or, where it has ended one worker after another, is
given up.

The crew's keeper calls this once a second. A step that ends the process it runs in (a fault
of a library, memory that runs out) would otherwise be taken up for ever, and take a worker
and all that it holds along each time. After MOST_IN_A_ROW rescues without anything coming of
it the step is not run again: it has failed as `worker_lost`, and its on_failure follows. A
call of it whose outcome nobody knows is still put to a person first.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import structlog

from engine import claims, effects, escalation, failures, rulings, tasks
from engine.errors import RunLost
from engine.holds import HOLDS
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.runtime import Runtime
from engine.solitude import SUSPECT, WOKEN_SUSPECT
from engine.step_run import Run
from engine.task_events import Event
from engine.tasks import Claimed

log = structlog.get_logger()
sql = queries("rescues")

# Two are what a deploy that is mended by another one, or a database that fails over, does to
# a slow step. With more than three, a platform that starts a process ever more slowly the
# more often it dies, as Heroku does, would leave nobody to do the other work.
MOST_IN_A_ROW = 3
# What a run writes when it leaves a step or has done a part of it for good, and what a person
# orders: whoever dies after that dies for the first time.
PROGRESS = [
    "step_completed", "step_failed", "step_retried", "step_uncertain", "tier_escalated",
    "task_parked", "task_rerun", "llm_called", "effect_done", "effect_settled",
    "human_asked", "human_answered", "answer_undone", "question_expired",
    "children_started", "child_started", "child_finished",
]  # fmt: skip


def rescue(runtime: Runtime) -> int:
    """Make runnable again whatever runs out its lease, and give up what is fatal; returns how
    many tasks there were."""
    before = time.monotonic()
    with runtime.database.transaction("rescue") as conn:
        rescued = [row["task_id"] for row in tasks.sql.rescue(conn)]
        fatal = _judge(runtime, conn, rescued) if rescued else []
    if rescued:
        log.warning("tasks_rescued", count=len(rescued))
    for claimed, times in fatal:
        run = claims.begin(runtime, claimed, before)
        if run is not None:
            _give_up(runtime, run, times)
    return len(rescued)


def _judge(runtime: Runtime, conn: Connection, task_ids: list[Any]) -> list[tuple[Claimed, int]]:
    """Take those, of what was just rescued, that no worker shall run again; of the others,
    those run alone that could be the next."""
    rows = sql.in_a_row(conn, task_ids=task_ids, progress=PROGRESS, least=MOST_IN_A_ROW - 1)
    suspects = [row["task_id"] for row in rows if row["times"] < MOST_IN_A_ROW]
    if suspects:
        sql.suspect(conn, task_ids=suspects, reason=SUSPECT, woken=WOKEN_SUSPECT, holds=list(HOLDS))
    found = []
    for row in rows:
        if row["times"] >= MOST_IN_A_ROW:
            lease = runtime.settings.lease_seconds
            taken = sql.take(conn, task_id=row["task_id"], lease_seconds=lease)
            if taken is not None:
                found.append((tasks.claimed(taken), row["times"]))
    return found


def is_suspect(run: Run) -> bool:
    """Whether this run may end its worker, and must be alone in it; see `solitude.py`."""
    return (run.task.parked_for or "").startswith(SUSPECT)


def give_back(runtime: Runtime, run: Run) -> None:
    """Leave a run that has not begun to somebody else, as a worker does that stops."""
    with contextlib.suppress(RunLost):
        failures.record(runtime, run, failures.Waiting("shutdown"))


def _give_up(runtime: Runtime, run: Run, times: int) -> None:
    log.error("task_given_up", task=run.task.number, step=run.step.key, rescues=times)
    # Whatever comes next is somebody else's to run.
    run.steps_done = runtime.settings.turn_steps
    code = f"worker_lost: {times} times in a row"
    with contextlib.suppress(RunLost):
        call = _open_call(runtime, run)
        if call is None:
            failures.record(runtime, run, failures.Failed(code))
        elif call["wait"] > 0:
            wait = call["wait"]
            failures.record(runtime, run, failures.Parked(f"settling:{call['vendor']}", wait))
        else:
            _ask_about(runtime, run, call["key"], code)


def _open_call(runtime: Runtime, run: Run) -> dict[str, Any] | None:
    """The step's call of which nobody knows whether it went out; the last of them."""
    with runtime.database.read() as conn:
        return effects.sql.open_of_visit(
            conn, task_id=run.task.id, owner=f"{run.task.id}.{run.task.visit}."
        )


def _ask_about(runtime: Runtime, run: Run, key: str, code: str) -> None:
    event = Event("step_failed", step_id=run.step.id, attempt=run.task.attempt, output_summary=code)

    def tell(conn: Connection) -> None:
        rulings.leave_in_doubt(conn, key)
        failures.raise_alarm(conn, runtime, run, code)

    escalation.ask_in_doubt(runtime, run, key, events=[event], also=tell)
