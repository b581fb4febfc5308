"""Children: the tasks that a step starts, and what the step that waits for them sees.

Called by the executor for `for_each` and `enqueue_next`; how a child's end reaches its
parent is in `tasks.py`.
"""

from __future__ import annotations

from engine import failures, families, handoffs, occasions, progress, sops, tasks
from engine.errors import TaskClosed
from engine.keyed_hash import keyed_hash
from engine.positions import Position
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.step_run import Run
from engine.steps.contract import BEFORE, Done, FanOut, StartTask
from engine.task_events import Event


def tally(runtime: Runtime, run: Run) -> dict[str, int] | None:
    """How this step's children ended, and under BEFORE for how many items there was none;
    None where it has started none yet."""
    items = run.task.context.get(_fanned_out(run))
    if run.step.step_type != "for_each" or not items:
        return None
    with runtime.database.read() as conn:
        ended = {row["status"]: row["n"] for row in tasks.sql.tally(conn, task_id=run.task.id)}
    # A release that did not count them yet has left a mere True.
    before = 0 if items is True else max(0, items - sum(ended.values()))
    return ended | {BEFORE: before}


def _fanned_out(run: Run) -> str:
    return f"fanned_out_{run.task.visit}"


def fan_out(runtime: Runtime, run: Run, outcome: FanOut) -> bool:
    """Start the children and park, in one transaction; the last child's end wakes us."""
    task = run.task
    with runtime.database.read() as conn:
        sop = sops.active(conn, outcome.sop)
        now = tasks.now(conn)
    position = Position(
        "waiting_on_timer",
        run.step.id,
        task.visit,
        children=len(outcome.contexts),
        output={_fanned_out(run): len(outcome.contexts)},
    )
    event = Event(
        "children_started",
        step_id=run.step.id,
        output_summary=f"{len(outcome.contexts)} of {outcome.sop}",
    )

    settings, kind = runtime.settings, f"once:{outcome.sop}"
    keys = [keyed_hash(settings, kind, one) for one in outcome.once] if outcome.once else None

    def start_children(conn: Connection) -> None:
        tasks.sql.release_children(conn, task_id=task.id)
        unused = occasions.unused(conn, keys) if keys else None
        first, count = None, 0
        for n, context in enumerate(outcome.contexts):
            child = (unused is None or unused[n] is not None) and tasks.start(
                conn,
                sop.id,
                context=context,
                actor=f"task {task.number}",
                subject=context.get("customer_id"),
                priority=task.priority,
                wake_at=failures.later(now, n * outcome.pace) if n * outcome.pace else None,
                parent=task,
                joined=True,
                item=n,
                dedupe_key=unused[n] if unused else None,
            )
            if not child:
                tasks.sql.child_ended(conn, task_id=task.id)
                continue
            first, count = first or child, count + 1
        if first is not None:
            handoffs.tell(runtime, conn, task, first, count)

    progress.write(runtime, run, position, [event], also=start_children)
    return False


def start_task(runtime: Runtime, run: Run, outcome: StartTask) -> bool:
    task = run.task
    with runtime.database.read() as conn:
        sop = sops.active(conn, outcome.sop)

    def start(conn: Connection) -> None:
        child = tasks.start(
            conn,
            sop.id,
            context={**outcome.context, **families.heard(conn, task.id)},
            actor=f"task {task.number}",
            subject=task.subject,
            wake_at=outcome.at,
            parent=task,
        )
        if child is None:
            raise TaskClosed("the child task could not be started")
        handoffs.tell(runtime, conn, task, child)

    return progress.go_on(runtime, run, run.step.on_success, Done(summary=outcome.sop), also=start)
