"""Ways to break the engine on purpose, so that it can be seen that the harness finds out.

A process of the nursery that is started with SABOTAGE=<name> is broken in that way before it
begins; nothing of this is in the engine. `test_harness.py` has one finding for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import abreast, effects, positions, rescues
from engine.runtime import Runtime


def late_rescue() -> None:
    """A lease must have been over for as long again: 60 s instead of 30."""
    in_time = rescues.rescue
    over = (
        "select exists (select from tasks where status = 'in_progress'"
        " and lease_until < now() - make_interval(secs => %s)) as late"
    )

    def late(runtime: Runtime) -> int:
        with runtime.database.read() as conn:
            row: Any = conn.execute(over, [runtime.settings.lease_seconds]).fetchone()
        return in_time(runtime) if row["late"] else 0

    rescues.rescue = late


def no_rescue() -> None:
    """What a dead worker held stays in progress for ever."""
    rescues.rescue = lambda _: 0


def no_look_up() -> None:
    """A call of which nobody knows what became is made again, without a look or a question."""

    def settle(database: Any, owner: Any, effect: Any, key: str, timeout: float) -> None:
        with database.read() as conn:
            row = effects.sql.settled_at(conn, key=key)
        effects._conclude(
            database, owner, effect, key, row["attempt"], "refused", "absent", settled=True
        )

    effects._settle = settle


def by_itself(_: Any, leaving: Any, **__: object) -> tuple[list[Any], list[Any]]:
    """Nothing is written together; so each one comes to `record`."""
    return [], list(leaving)


def events_twice() -> None:
    """Each record writes its events twice."""
    once = positions.record

    def twice(conn: Any, task: Any, position: Any, events: Any, **given: Any) -> Any:
        return once(conn, task, position, [*events, *events], **given)

    positions.record = twice
    abreast.write = by_itself


def events_lost() -> None:
    """Each record counts an event that it does not write."""
    kept = positions.record

    def lost(conn: Any, task: Any, position: Any, events: Any, **given: Any) -> Any:
        row = kept(conn, task, position, events, **given)
        conn.execute("update tasks set events = events + 1 where id = %s", [task.id])
        return row

    positions.record = lost
    abreast.write = by_itself


WAYS: dict[str, Callable[[], None]] = {
    way.__name__: way for way in (late_rescue, no_rescue, no_look_up, events_twice, events_lost)
}


def commit(name: str) -> None:
    WAYS[name]()
