"""What keeps the tables in order: once a minute, and once a night."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from engine import cards, deliveries, failures, queue
from engine.postgres import DATABASE_DOWN
from engine.runtime import Runtime

log = structlog.get_logger()


def each(runtime: Runtime, parts: Mapping[str, Callable[[Runtime], object]]) -> None:
    """Do them all, whichever of them breaks: erasure does not wait for a summary to be mended.
    What breaks is told once, and once more when it is over."""
    for name, part in parts.items():
        try:
            part(runtime)
        except DATABASE_DOWN:
            raise
        except Exception as error:
            place = failures.place_of(error)
            log.error("upkeep_crashed", part=name, error=place)
            _tell(runtime, name, place)
        else:
            _close(runtime, name)


def _tell(runtime: Runtime, name: str, place: str) -> None:
    with runtime.database.transaction("upkeep_failed") as conn:
        cards.raise_alarm(
            conn,
            f"upkeep:{name}",
            f"The engine's own work stumbles at every minute: {name} ({place}). The rest goes on."
            " Tell a developer.",
            channel=runtime.settings.channel_escalations,
        )


def _close(runtime: Runtime, name: str) -> None:
    with runtime.database.read() as conn:
        if not cards.is_alarming(conn, f"upkeep:{name}"):
            return
    with runtime.database.transaction("upkeep_recovered") as conn:
        cards.close_alarm(conn, f"upkeep:{name}")


def sweep(runtime: Runtime) -> None:
    """Every minute: make up for whatever a killed worker left in the queue."""
    with runtime.database.transaction("sweep") as conn:
        queue.drop_orphans(conn)
        queue.wake(conn, "run_tasks")
        queue.wake_for_what_is_open(conn)


def prune(runtime: Runtime) -> None:
    """Every night: drop what has served its time."""
    with runtime.database.transaction("prune") as conn:
        deliveries.sql.prune(conn)
        conn.execute("delete from sessions where expires_at < now() - interval '7 days'")
        conn.execute("delete from sign_in_links where expires_at < now() - interval '7 days'")
        conn.execute(
            "delete from procrastinate_periodic_defers where defer_timestamp"
            " < extract(epoch from now() - interval '7 days')"
        )
