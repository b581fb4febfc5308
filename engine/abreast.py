"""Several runs that leave their steps at once: one statement and one commit for all of them.

Most of what a short step costs is its record. `executor.py` takes each run of a thread one step
further and hands the plain departures to `write`; a single one goes the same way. Nothing here
waits for a row that somebody holds, and whatever is refused for all is left to be written one by
one, so that no run suffers for another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog

from engine import claims, positions, progress
from engine.departures import Departure
from engine.postgres import COLLISIONS, DATABASE_DOWN
from engine.runtime import Runtime
from engine.step_run import Run
from engine.steps.contract import Outcome

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain departure, as the statement is told of it, and the outcome that it comes from."""

    departure: Departure
    facts: str
    outcome: Outcome

    @property
    def run(self) -> Run:
        return self.departure.run


def plain(departure: Departure, outcome: Outcome) -> Plain:
    """Raises ContextTooLarge where the task cannot keep what its step puts out."""
    run = departure.run
    facts = positions.facts_of(run.task, departure.position, departure.events[0])
    return Plain(departure, facts, outcome)


def write(
    runtime: Runtime, leaving: Sequence[Plain], *, onwards: bool
) -> tuple[list[Run], list[Plain]]:
    """Write plain departures. Returns the runs that go on, and whatever was not written: there
    the run is lost, or somebody holds its task, or the server has refused it.

    With `onwards` the end of tasks claims others, whose runs are among those that go on."""
    writable = [one for one in leaving if not one.run.lost]
    moving = [one for one in writable if one.departure.following is not None]
    ending = [one for one in writable if one.departure.following is None]
    going: list[Run] = []
    written: set[int] = set()

    def move() -> None:
        together = _together(moving)
        with runtime.database.statement(f"record:in_progress{together}") as conn:
            rows = positions.advance(conn, [one.facts for one in moving])
        for one in moving:
            if row := rows.get(one.run.task.id):
                progress.arrive(one.departure, row["cancel_requested_at"])
                written.add(id(one))
                going.append(one.run)

    def end() -> None:
        before = time.monotonic()
        together = _together(ending)
        with runtime.database.statement(f"record:completed{together}") as conn:
            ended, claimed = positions.complete(
                conn,
                [one.facts for one in ending],
                onwards=onwards,
                lease_seconds=runtime.settings.lease_seconds,
            )
        written.update(id(one) for one in ending if one.run.task.id in ended)
        going.extend(claims.begin_each(runtime, claimed, before))

    for wanted, statement in ((moving, move), (ending, end)):
        if wanted:
            _unless_refused(statement)
    return going, [one for one in leaving if id(one) not in written]


def _together(leaving: Sequence[Plain]) -> str:
    """What the commit's name has besides, so that a test may end the process in one of several."""
    return ":abreast" if len(leaving) > 1 else ""


def _unless_refused(statement: Callable[[], None]) -> None:
    try:
        statement()
    except COLLISIONS:
        log.info("not_written_together")
    except DATABASE_DOWN:
        raise
    except psycopg.Error as error:
        # For one of them there is a reason, which it gives when it is written by itself.
        log.warning("not_written_together", error=type(error).__name__)
