"""The strokes of a storm, and whoever starts anew what they have ended, as a platform would.

Of several workers one is always spared: awake, and left alone for long enough to have
begun its work. So whatever waits longer than it should waits for want of recovery, and
not for want of workers.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.failpoints import KILLED
from engine.postgres import DATABASE_DOWN
from engine.postgres.embedded import EmbeddedPostgres
from tests.chaos.nursery import BIRTH_SECONDS, Child
from tests.chaos.stage import Stage
from tests.chaos.storm_plan import Stroke
from tests.chaos.storm_watch import Watch
from web.local.world import Fault

# So long after it has started, a worker has claimed what there was to claim.
SETTLED_SECONDS = 3.0
APPLICATIONS = ("worker", "web", "queue", "harness")


@dataclass
class Weather:
    stage: Stage
    server: EmbeddedPostgres
    watch: Watch
    say: Callable[[str], None]
    workers: list[Child] = field(default_factory=list)
    web: Child | None = None
    kills: int = 0
    # Processes that ended without having been killed.
    deserters: list[str] = field(default_factory=list)
    # When each frozen process, by its name, is to wake up.
    _frozen: dict[str, float] = field(default_factory=dict)
    # When each worker, by its name, had started.
    _started: dict[str, float] = field(default_factory=dict)
    # Freezes that found nobody who could be spared.
    _owed: list[Stroke] = field(default_factory=list)

    def begin(self, workers: int) -> None:
        """Start everybody, and wait until all are at work."""
        self.web = self.stage.web()
        self.workers = [self.stage.worker() for _ in range(workers)]
        self.stage.until(
            lambda: self._see_who_started() or len(self._started) >= workers,
            seconds=BIRTH_SECONDS, what="the workers",
        )  # fmt: skip

    def strike(self, stroke: Stroke) -> None:
        self.say(stroke.what)
        match stroke.kind:
            case "kill_worker":
                self._kill(self._one_of(stroke) or self.web)
            case "kill_web":
                if self.web is not None:
                    self._kill(self.web)
            case "freeze":
                self._owed.append(stroke)
                self._freeze_owed()
            case "crash_database":
                self.watch.note(crash=True)
                self.server.restart("immediate")
                self.watch.note(crash=True)
            case "cut_backends":
                self._cut(stroke)
            case "fault":
                self.stage.local.order(Fault(**stroke.facts))
                self.watch.unsettling_faults += _unsettling(Fault(**stroke.facts))

    def tend(self) -> None:
        """Thaw whose time has come, and start anew what has ended."""
        self._see_who_started()
        self._freeze_owed()
        for child in self.workers:
            if time.monotonic() >= self._frozen.get(child.name, math.inf):
                self._thaw(child)
        for n, child in enumerate(self.workers):
            if child.ended.is_set():
                self._missed(child)
                self.workers[n] = self.stage.worker()
        if self.web is not None and self.web.ended.is_set():
            self._missed(self.web)
            self.web = self.stage.web()

    @property
    def over(self) -> bool:
        """Whether everybody has been struck who was to be, and is awake again."""
        return not self._frozen and not self._owed

    def calm(self) -> None:
        """No vendor fails any more; who is frozen stays so for its time."""
        self.watch.unsettling_faults -= sum(map(_unsettling, self.stage.local.faults()))
        self.stage.local.clear_faults()

    # -- strokes ---------------------------------------------------------------------

    def _see_who_started(self) -> None:
        if all(child.name in self._started for child in self.workers):
            return
        log = self.stage.folder / "worker.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        pids = {json.loads(line)["pid"] for line in lines
                if '"worker_started"' in line and line.endswith("}")}  # fmt: skip
        for child in self.workers:
            if child.pid in pids:
                self._started.setdefault(child.name, time.monotonic())

    def _one_of(self, stroke: Stroke) -> Child | None:
        """Who is struck: anybody but the one who is spared."""
        awake = [child for child in self.workers
                 if child.name not in self._frozen and not child.ended.is_set()]  # fmt: skip
        spared = self._spared(awake)
        open_to_it = [child for child in awake if child is not spared]
        return open_to_it[int(stroke.pick * len(open_to_it))] if open_to_it else None

    def _spared(self, awake: list[Child]) -> Child | None:
        """The last one at work; where nobody is, the one that will be first. A single
        worker is not spared, nor is anyone where two are at work."""
        oldest = sorted(awake, key=lambda child: self._started.get(child.name, math.inf))
        settled = time.monotonic() - SETTLED_SECONDS
        at_work = sum(self._started.get(child.name, math.inf) <= settled for child in awake)
        return oldest[0] if oldest and at_work < 2 and len(self.workers) > 1 else None

    def _kill(self, child: Child | None) -> None:
        if child is None:
            return
        if child is not self.web:
            self.watch.look()
        self.watch.note()
        self.kills += 1
        child.kill()

    def _freeze_owed(self) -> None:
        self._owed = [stroke for stroke in self._owed if not self._freeze(stroke)]

    def _freeze(self, stroke: Stroke) -> bool:
        """It wakes up when its leases are over and others have its tasks."""
        child = self._one_of(stroke)
        if child is None:
            return False
        self.watch.look()
        self.watch.note()
        child.signal(signal.SIGSTOP)
        self._frozen[child.name] = time.monotonic() + stroke.seconds
        return True

    def _thaw(self, child: Child) -> None:
        del self._frozen[child.name]
        self.say(f"{child.name} wakes up")
        child.signal(signal.SIGCONT)

    def _cut(self, stroke: Stroke) -> None:
        """The server ends connections: of the workers, the web, the queue, or our own."""
        application = APPLICATIONS[int(stroke.pick * len(APPLICATIONS))]
        self.watch.note(crash=True)
        try:
            self.stage.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = %s and pid <> pg_backend_pid()",
                application,
            )
        except DATABASE_DOWN:
            return

    def _missed(self, child: Child) -> None:
        if child.code not in (-signal.SIGKILL, KILLED):
            self.deserters.append(f"{child.name} ended by itself with {child.code}")
            self.say(self.deserters[-1])


def _unsettling(fault: Fault) -> bool:
    """Whether nobody can tell afterwards if a call went out: a mail cannot be looked up, and
    a post cannot where Slack refuses the look-up."""
    if fault.vendor == "slack":
        return "not_in_channel" in fault.body
    late = fault.kind == "slow" and fault.times > 1
    return fault.vendor == "ses" and fault.status != 429 and not late
