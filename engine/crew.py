"""The threads of one worker process that carry tasks, and the loop that watches them.

A wake-up rouses one thread; a thread that finds a task rouses the next before it
performs, so a burst fills the crew within milliseconds and an empty table costs one
query. The keeper, one more thread, runs once a second: timers that have run out, leases
of dead workers, deadlines, and every lease_renewal_seconds the leases of our own runs
in one statement, never past a step's deadline.

Threads cannot be interrupted. A step past its deadline has its run token voided and its
slot filled by a new thread; the old one is abandoned, and too many of those end the
process, which its supervisor starts again.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from engine import batches, claims, deadlines, executor, failures, queue, rescues, tasks
from engine.errors import RunLost
from engine.floor import Floor
from engine.postgres import DATABASE_DOWN
from engine.runtime import Runtime
from engine.solitude import Solitude
from engine.step_run import Run

log = structlog.get_logger()

BEAT_SECONDS = 1.0
SHORTEST_BEAT_SECONDS = 0.02
# After the last step's deadline a run may still be writing its end.
DEADLINE_GRACE_SECONDS = 2.0


class Crew:
    """`size` threads that claim and run tasks until `stop`."""

    def __init__(self, runtime: Runtime, *, size: int, on_exhausted: Callable[[], None]) -> None:
        self.runtime = runtime
        self.size = size
        self.abandoned = 0
        # Each one on it finds a connection.
        self._floor = Floor(runtime.settings.pool_size)
        self._solitude = Solitude()
        self._on_exhausted = on_exhausted
        self._calls = 0
        self._stopping = False
        self._last_effect_at = math.inf
        self._changed = threading.Condition()
        self._runs: dict[int, Run] = {}
        self._threads: list[threading.Thread] = []
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        for _ in range(self.size):
            self._hire()
        self._keeper.start()
        self.rouse()

    def rouse(self) -> None:
        """There may be something to do: one idle thread looks."""
        with self._changed:
            if self._calls < self.size:
                self._calls += 1
            self._changed.notify()

    def stop(self, *, seconds: float) -> bool:
        """Claim nothing more, start no effect any more, and wait for the steps in flight.
        True where all came to their end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        deadline = time.monotonic() + seconds
        # First for a run that is being claimed at this moment, then for those that are known.
        self._last_effect_at = deadline - seconds / 4
        for run in list(self._runs.values()):
            run.last_effect_at = self._last_effect_at
        while self._runs and time.monotonic() < deadline:
            time.sleep(0.05)
        left = list(self._runs.values())
        if left:
            self._hand_over(left)
        return not left

    def _hand_over(self, runs: list[Run]) -> None:
        """What is still in a call when the process ends is not waited for by the next worker:
        its lease is over now."""
        tokens = [run.task.run_token for run in runs]
        with contextlib.suppress(*DATABASE_DOWN), self.runtime.database.statement("hand_over") as c:
            tasks.sql.hand_over(c, tokens=tokens)

    @property
    def stopping(self) -> bool:
        return self._stopping

    @property
    def busy(self) -> int:
        return len(self._runs)

    # -- threads --------------------------------------------------------------------

    def _hire(self) -> None:
        thread = threading.Thread(target=self._work, name="crew", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        me = threading.get_ident()
        while self._await_call():
            try:
                while not self._stopping and self._carry_one(me):
                    pass
            except _Abandoned:
                return
            except DATABASE_DOWN as error:
                log.warning("database_unreachable", error=type(error).__name__)
                time.sleep(BEAT_SECONDS)
            except Exception as error:
                log.error("crew_crashed", error=failures.place_of(error))
                time.sleep(BEAT_SECONDS)

    def _await_call(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._calls > 0 or self._stopping)
            self._calls = max(0, self._calls - 1)
            return not self._stopping

    def _carry_one(self, me: int) -> bool:
        if not self._solitude.enter(me):
            return False
        try:
            with self._floor.on(), self.runtime.database.kept():
                run = claims.claim(self.runtime)
                if run is None:
                    return False
                self._runs[me] = run
                try:
                    while run is not None:
                        run = self._carry(me, run)
                finally:
                    self._runs.pop(me, None)
        finally:
            self._solitude.leave(me)
        return True

    def _carry(self, me: int, run: Run) -> Run | None:
        """Run a task; returns the run of the one that was claimed with its end."""
        run.last_effect_at = self._last_effect_at
        if rescues.is_suspect(run) and not self._solitude.begin(me):
            rescues.give_back(self.runtime, run)
            return None
        self.rouse()
        following = executor.run(
            self.runtime,
            run,
            stopping=lambda: self._stopping,
            away=self._away,
            onwards=not self._solitude.wanted,
        )
        if self._runs.get(me) is not run:
            raise _Abandoned
        if following is not None:
            # In its place before it waits for its turn: its lease is renewed meanwhile.
            self._runs[me] = following
            with self._away():
                pass
        return following

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Within, this thread neither works nor has a connection."""
        with self.runtime.database.not_kept(), self._floor.away():
            yield

    # -- the keeper -----------------------------------------------------------------

    def _keep(self) -> None:
        renewed = time.monotonic()
        beat = BEAT_SECONDS
        while not self._stopping or self._runs:
            time.sleep(beat)
            try:
                if time.monotonic() - renewed >= self.runtime.settings.lease_renewal_seconds:
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
        with self.runtime.database.statement("wake_due") as conn:
            woken = len(tasks.sql.wake_due(conn))
        rescued = rescues.rescue(self.runtime)
        deadlines.pass_deadlines(self.runtime)
        with self.runtime.database.transaction("post_batches") as conn:
            batches.post_ready(conn, self.runtime.settings)
        with self.runtime.database.statement("wake_open") as conn:
            queue.wake_for_what_is_open(conn)
        with self.runtime.database.read() as conn:
            due = tasks.sql.next_due(conn)
        for _ in range(min(self.size, woken + rescued) or 1):
            self.rouse()
        return BEAT_SECONDS if due is None else min(BEAT_SECONDS, max(SHORTEST_BEAT_SECONDS, due))

    def _renew(self) -> None:
        """Prolong our leases in one statement; a run that is not among the answers is lost."""
        now = time.monotonic()
        runs = [run for run in self._runs.values() if now < run.step_deadline]
        if not runs:
            return
        seconds = self.runtime.settings.lease_seconds
        with self.runtime.database.statement("renew") as conn:
            held = tasks.sql.renew(
                conn, tokens=[run.task.run_token for run in runs], lease_seconds=seconds
            )
        tokens = {row["run_token"] for row in held}
        for run in runs:
            if run.task.run_token in tokens:
                run.lease_until = now + seconds

    def _recount(self) -> None:
        with self.runtime.database.transaction("recount") as conn:
            tasks.recount(conn)

    def _watch(self) -> None:
        """End the steps that are over their time, whatever their threads are doing."""
        now = time.monotonic()
        for ident, run in list(self._runs.items()):
            if now > run.step_deadline + DEADLINE_GRACE_SECONDS and not run.lost:
                self._abandon(ident, run)

    def _abandon(self, ident: int, run: Run) -> None:
        with contextlib.suppress(RunLost):
            executor.give_up(self.runtime, run)
        self._runs.pop(ident, None)
        self._floor.clear(ident)
        self._solitude.leave(ident)
        self.abandoned += 1
        log.error("step_abandoned", task=run.task.number, step=run.step.key)
        self._hire()
        if self.abandoned > self.runtime.settings.abandoned_threads_limit:
            self._on_exhausted()


class _Abandoned(Exception):
    """This thread's run was ended by the keeper, which has hired another thread."""
