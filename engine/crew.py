"""The threads of one worker process that carry tasks.

A wake-up rouses one thread; a thread that finds a task rouses the next before it
performs, so a burst fills the crew within milliseconds and an empty table costs one
query. Where many of one procedure wait, a thread claims several and carries them abreast, as
long as their steps call nobody; a run whose step does is passed on to an idle thread.

Threads cannot be interrupted. A step past its deadline, which `keeper.py` watches, has its run
token voided and its slot filled by a new thread; the old one is abandoned, and too many of
those end the process, which its supervisor starts again.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from engine import claims, executor, failures, rescues, tasks
from engine.errors import RunLost
from engine.floor import Floor
from engine.keeper import Keeper
from engine.postgres import DATABASE_DOWN
from engine.roster import Roster
from engine.runtime import Runtime
from engine.solitude import Solitude
from engine.step_run import Run

log = structlog.get_logger()

# After a stumble of the database's or of our own.
PAUSE_SECONDS = 1.0
# So many runs a thread carries abreast at most. More of them would wait longer for each other's
# steps than is saved; and the statements of sql/queries/tasks.sql take no more.
MOST_ABREAST = 10


class Crew:
    """`size` threads that claim and run tasks until `stop`."""

    def __init__(self, runtime: Runtime, *, size: int, on_exhausted: Callable[[], None]) -> None:
        self.runtime = runtime
        self.size = size
        self.abandoned = 0
        # Two threads at least: while one waits for its commit, another performs.
        self._abreast = max(1, min(MOST_ABREAST, size // 2))
        # Each one on it finds a connection.
        self._floor = Floor(runtime.settings.pool_size)
        self._solitude = Solitude()
        # Whether every step that was looked at last calls somebody.
        self._all_call = False
        self._on_exhausted = on_exhausted
        self._calls = 0
        self._stopping = False
        self._last_effect_at = math.inf
        self._changed = threading.Condition()
        self._roster = Roster(size)
        self._threads: list[threading.Thread] = []
        self._keeper = Keeper(
            runtime, self._roster, rouse=self.rouse, abandon=self._abandon, most_roused=size
        )

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
        self._keeper.stop()
        deadline = time.monotonic() + seconds
        # First for a run that is being claimed at this moment, then for those that are known.
        self._last_effect_at = deadline - seconds / 4
        for run in self._roster.runs():
            run.last_effect_at = self._last_effect_at
        waiting = self._roster.close()
        with contextlib.suppress(*DATABASE_DOWN):
            while waiting:
                rescues.give_back(self.runtime, waiting[-1])
                waiting.pop()
        while len(self._roster) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = [*waiting, *self._roster.runs()]
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
        return len(self._roster)

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
                time.sleep(PAUSE_SECONDS)
            except Exception as error:
                log.error("crew_crashed", error=failures.place_of(error))
                time.sleep(PAUSE_SECONDS)

    def _await_call(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._calls > 0 or self._stopping)
            self._calls = max(0, self._calls - 1)
            return not self._stopping

    def _carry_one(self, me: int) -> bool:
        passed_on = self._take(me)
        if not passed_on and not self._solitude.enter(me):
            return False
        try:
            with self._floor.on(), self.runtime.database.kept():
                runs = [passed_on] if passed_on else self._claim(me)
                if not runs:
                    return False
                if rescues.is_suspect(runs[0]) and not self._solitude.begin(me):
                    rescues.give_back(self.runtime, runs[0])
                    return True
                self.rouse()
                while runs:
                    runs = self._carry(me, runs)
        finally:
            self._roster.drop(me)
            self._solitude.leave(me)
        return True

    def _take(self, me: int) -> Run | None:
        """What another thread has passed on."""
        run = self._roster.take(me)
        if run is not None:
            self._solitude.follow(me)
            self._solitude.leave(id(run))
        return run

    def _claim(self, me: int) -> list[Run]:
        # What calls somebody goes to a thread of its own anyway.
        room = self._roster.room(me, 1 if self._all_call else self._abreast)
        runs = claims.claim(self.runtime, room=room) if room > 0 else []
        self._roster.hold(me, runs)
        if len(runs) < room and self._roster.turned_away():
            self.rouse()
        return runs

    def _carry(self, me: int, runs: list[Run]) -> list[Run]:
        """Take what this thread has in hand one step further; what it has in hand then."""
        runs = self._kept(me, runs)
        for run in runs:
            run.last_effect_at = self._last_effect_at
            run.away = self._away
        going = executor.lap(
            self.runtime,
            runs,
            stopping=lambda: self._stopping,
            onwards=not self._solitude.wanted,
        )
        if not self._roster.holds(me):
            self._give_back(going)
            raise _Abandoned
        # In their place before they wait for their turn: their leases are renewed meanwhile.
        self._roster.hold(me, going)
        if len(going) < len(runs):
            self.rouse()
        if set(going) - set(runs):
            with self._away():
                pass
        return going

    def _kept(self, me: int, runs: list[Run]) -> list[Run]:
        """Of several runs those whose steps call nobody, or one alone; the others are passed on."""
        callers = [run for run in runs if executor.calls_out(run)]
        self._all_call = len(callers) == len(runs)
        away = callers if len(callers) < len(runs) else callers[1:]
        if len(runs) == 1 or not away:
            return runs
        kept = [run for run in runs if run not in away]
        for run in away:
            self._solitude.follow(id(run))
        passed_on = self._roster.pass_on(me, kept, away)
        for run in away:
            if passed_on:
                self.rouse()
            else:
                self._solitude.leave(id(run))
                rescues.give_back(self.runtime, run)
        return kept

    def _give_back(self, runs: list[Run]) -> None:
        """What an abandoned thread has in hand besides. Whatever the database does not take from
        the keeper is still its thread's, which gives it back as soon as it wakes up."""
        with contextlib.suppress(*DATABASE_DOWN):
            for run in runs:
                rescues.give_back(self.runtime, run)
                run.lost = True

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Within, this thread neither works nor has a connection."""
        with self.runtime.database.not_kept(), self._floor.away():
            yield

    def _abandon(self, ident: int, run: Run, others: list[Run]) -> None:
        """The run's step is over its time, and its thread given up, with what it has in hand
        besides. Called by the keeper."""
        with contextlib.suppress(RunLost):
            executor.give_up(self.runtime, run)
        self._roster.drop(ident)
        self._floor.clear(ident)
        self._solitude.leave(ident)
        self.abandoned += 1
        log.error("step_abandoned", task=run.task.number, step=run.step.key)
        self._hire()
        self._give_back(others)
        if self.abandoned > self.runtime.settings.abandoned_threads_limit:
            self._on_exhausted()


class _Abandoned(Exception):
    """This thread's run was ended by the keeper, which has hired another thread."""
