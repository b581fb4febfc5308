"""Taking up a task: what was claimed becomes a run of this worker.

The first thing that happens to a runnable task. `executor.py` carries the run on; a task
whose steps cannot be read ends here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine import cards, positions, sops, tasks, trees
from engine.errors import SopInvalid
from engine.positions import Position
from engine.runtime import Runtime
from engine.step_run import Run
from engine.task_events import Event
from engine.tasks import Claimed, Task


def claim(runtime: Runtime, *, room: int = 1) -> list[Run]:
    """Take the best runnable task; or up to `room` of them, where that passes nobody over. None
    of them where nothing is runnable."""
    while True:
        before = time.monotonic()
        with runtime.database.statement("claim") as conn:
            lease = runtime.settings.lease_seconds
            claimed = tasks.claim(conn, lease_seconds=lease, room=room)
        runs = begin_each(runtime, claimed, before)
        if runs or not claimed:
            return runs


def begin_each(runtime: Runtime, claimed: Sequence[Claimed], before: float) -> list[Run]:
    """The runs of what was claimed since `before`, the most urgent first, but for those that
    cannot be read."""
    ordered = sorted(claimed, key=lambda one: (-one[0].priority, one[0].queued_at))
    runs = [begin(runtime, one, before) for one in ordered]
    return [run for run in runs if run is not None]


def begin(runtime: Runtime, claimed: Claimed, before: float) -> Run | None:
    """The run of what was claimed since `before`; None where its steps cannot be read, which
    ends the task."""
    task, agent = claimed
    try:
        with runtime.database.read() as conn:
            procedure = runtime.procedures.of(conn, task.sop_id)
    except SopInvalid as error:
        _end_unreadable(runtime, task, error)
        return None
    step = procedure.step(task.step_id)
    return Run(
        task=task,
        procedure=procedure,
        agent=agent,
        step=step,
        lease_until=before + runtime.settings.lease_seconds,
        step_deadline=before + step.timeout_seconds,
    )


def _end_unreadable(runtime: Runtime, task: Task, error: SopInvalid) -> None:
    """End a claimed task whose steps this program cannot read (a release that did not keep
    to what it had published); run again, once that is mended, it goes on where it was."""
    position = Position("failed", task.step_id, task.visit, error=error.code)
    event = Event("task_failed", step_id=task.step_id, output_summary=error.code)
    with runtime.database.transaction("record:failed") as conn:
        trees.hold_parent(conn, task.id)
        positions.record(conn, task, position, [event])
        tasks.end_child(conn, task)
        sop = sops.get(conn, task.sop_id)
        cards.raise_alarm(
            conn,
            f"unreadable:{sop.slug}",
            f"{sop.slug} v{sop.version} cannot be read by this program: {error.detail}",
            channel=runtime.settings.channel_escalations,
            task_id=task.id,
        )
