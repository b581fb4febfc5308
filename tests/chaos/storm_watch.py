"""How long after a death a task runs again.

A task does not say which process holds it, but a dead one does not renew a lease: of a
run that was lost, the holder died after its last renewal. The earliest blow after that
is taken for it, so the figure errs upwards, by the time between two renewals at most.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.postgres import DATABASE_DOWN
from tests.chaos.stage import Stage

# Between the moment at which a lease is prolonged and the one we take for it.
SLACK_SECONDS = 0.5


@dataclass(slots=True)
class Held:
    """A run that was seen."""

    task_id: UUID
    claimed: float
    lease_until: float


@dataclass
class Watch:
    stage: Stage
    lease: float
    # Moments at which a process died, or froze; or the database ended connections.
    deaths: list[float] = field(default_factory=list)
    crashes: list[float] = field(default_factory=list)
    # Faults after which nobody can look up what became of a call.
    unsettling_faults: int = 0
    _runs: dict[UUID, Held] = field(default_factory=dict)
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, crash: bool = False) -> None:
        (self.crashes if crash else self.deaths).append(time.time())

    @property
    def blows(self) -> list[float]:
        return sorted([*self.deaths, *self.crashes])

    def look(self) -> None:
        """See who runs now."""
        with self._looking:
            try:
                rows = self.stage.rows(
                    "select id, run_token, step_started_at, lease_until from tasks"
                    " where status = 'in_progress'"
                )
            except DATABASE_DOWN:
                return
            for row in rows:
                until = row["lease_until"].timestamp()
                held = self._runs.get(row["run_token"])
                if held is None:
                    claimed = row["step_started_at"].timestamp()
                    self._runs[row["run_token"]] = Held(row["id"], claimed, until)
                else:
                    held.lease_until = until

    def resumes(self) -> list[float]:
        """Seconds from the blow to the next run, of every run that was lost."""
        events = self.stage.rows(
            "select task_id, created_at, event_type from task_events where task_id in ("
            "  select task_id from task_events where event_type = 'task_rescued')"
            " order by task_id, seq"
        )
        found = []
        # It is looked at meanwhile.
        with self._looking:
            for n, event in enumerate(events):
                if event["event_type"] == "task_rescued":
                    began = self._began_again(event, events[n + 1 :])
                    if began is not None:
                        found.append(began - self._blow(event["task_id"], _at(event)))
        return found

    def _began_again(self, rescued: dict[str, Any], later: list[dict[str, Any]]) -> float | None:
        """When the task was claimed again: by what was seen, else by its next event. Where
        that is another rescue, it was claimed a lease before that at the latest."""
        after = _at(rescued)
        seen = [run.claimed for run in self._of(rescued["task_id"]) if run.claimed >= after]
        following = later[0] if later and later[0]["task_id"] == rescued["task_id"] else None
        if following is not None:
            again = following["event_type"] == "task_rescued"
            seen.append(_at(following) - (self.lease if again else 0.0))
        return min(seen, default=None)

    def _blow(self, task_id: UUID, rescued: float) -> float:
        lost = [run for run in self._of(task_id) if run.claimed < rescued]
        # One that was never seen held the lease that it began with.
        until = max(lost, key=lambda run: run.claimed).lease_until if lost else rescued
        renewed = min(until, rescued) - self.lease - SLACK_SECONDS
        return next((blow for blow in self.blows if renewed <= blow <= rescued), renewed)

    def _of(self, task_id: UUID) -> list[Held]:
        return [run for run in self._runs.values() if run.task_id == task_id]


def _at(event: dict[str, Any]) -> float:
    moment: datetime = event["created_at"]
    return moment.timestamp()
