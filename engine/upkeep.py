"""What keeps the tables in order: once a minute, and once a night."""

from __future__ import annotations

from engine import deliveries, queue
from engine.runtime import Runtime


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
