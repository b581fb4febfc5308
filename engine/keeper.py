"""The keeper of a crew: one more thread, which looks round once a second.

It makes runnable what is due, takes up what dead workers have left, passes deadlines, renews
the leases of our own runs every lease_renewal_seconds in one statement, and has those threads
given up whose steps are over their time. `crew.py` starts it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from engine import batches, deadlines, failures, queue, rescues, tasks
from engine.postgres import DATABASE_DOWN
from engine.roster import Hand, Roster
from engine.runtime import Runtime
from engine.step_run import Run

log = structlog.get_logger()

BEAT_SECONDS = 1.0
SHORTEST_BEAT_SECONDS = 0.02
# After the last step's deadline a run may still be writing its end.
DEADLINE_GRACE_SECONDS = 2.0


class Keeper:
    """Looks after the runs of `roster` until it is stopped and there are none any more.

    `rouse` is called for each task that has become runnable, at most `most_roused` times in a
    beat; `abandon` with a thread, its run whose step is over its time, and what else the thread
    has in hand."""

    def __init__(
        self,
        runtime: Runtime,
        roster: Roster,
        *,
        rouse: Callable[[], None],
        abandon: Callable[[int, Run, list[Run]], None],
        most_roused: int,
    ) -> None:
        self._runtime = runtime
        self._roster = roster
        self._rouse = rouse
        self._abandon = abandon
        self._most_roused = most_roused
        self._stopping = False
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Make nothing runnable any more; what runs is still looked after."""
        self._stopping = True

    def _keep(self) -> None:
        renewed = time.monotonic()
        beat = BEAT_SECONDS
        while not self._stopping or len(self._roster):
            time.sleep(beat)
            try:
                if time.monotonic() - renewed >= self._runtime.settings.lease_renewal_seconds:
                    self._renew()
                    self._recount()
                    renewed = time.monotonic()
                self._watch()
                beat = BEAT_SECONDS if self._stopping else self._look_round()
            except DATABASE_DOWN as error:
                log.warning("database_unreachable", error=type(error).__name__)
                beat = BEAT_SECONDS
            except Exception as error:
                log.error("keeper_crashed", error=failures.place_of(error))
                beat = BEAT_SECONDS

    def _look_round(self) -> float:
        """Make runnable what is due; returns the seconds until the next look."""
        with self._runtime.database.statement("wake_due") as conn:
            woken = len(tasks.sql.wake_due(conn))
        rescued = rescues.rescue(self._runtime)
        deadlines.pass_deadlines(self._runtime)
        with self._runtime.database.transaction("post_batches") as conn:
            batches.post_ready(conn, self._runtime.settings)
        with self._runtime.database.statement("wake_open") as conn:
            queue.wake_for_what_is_open(conn)
        with self._runtime.database.read() as conn:
            due = tasks.sql.next_due(conn)
        for _ in range(min(self._most_roused, woken + rescued) or 1):
            self._rouse()
        return BEAT_SECONDS if due is None else min(BEAT_SECONDS, max(SHORTEST_BEAT_SECONDS, due))

    def _renew(self) -> None:
        """Prolong our leases in one statement; a run that is not among the answers is lost."""
        now = time.monotonic()
        overdue = [run for _, hand in self._roster.hands() if _overdue(hand, now)
                   for run in hand.runs]  # fmt: skip
        runs = [run for run in self._roster.runs() if run not in overdue]
        if not runs:
            return
        seconds = self._runtime.settings.lease_seconds
        with self._runtime.database.statement("renew") as conn:
            held = tasks.sql.renew(
                conn, tokens=[run.task.run_token for run in runs], lease_seconds=seconds
            )
        tokens = {row["run_token"] for row in held}
        for run in runs:
            if run.task.run_token in tokens:
                run.lease_until = now + seconds

    def _recount(self) -> None:
        with self._runtime.database.transaction("recount") as conn:
            tasks.recount(conn)

    def _watch(self) -> None:
        """End the steps that are over their time, whatever their threads are doing."""
        now = time.monotonic()
        for ident, hand in self._roster.hands():
            run = _overdue(hand, now - DEADLINE_GRACE_SECONDS)
            if run is not None:
                self._abandon(ident, run, [one for one in hand.runs if one is not run])


def _overdue(hand: Hand, now: float) -> Run | None:
    """The run whose step is over its time."""
    run = hand.current
    return run if run is not None and not run.lost and now > run.step_deadline else None
