"""Pausing a watcher: it looks no more, and starts nothing, until somebody resumes it.

Then it looks at once, and once: of what a schedule has missed the last moment counts, and a
mailbox is read on from where it was. Seeding again changes nothing about it.
"""

from __future__ import annotations

from engine import queue, task_events
from engine.errors import NotFound
from engine.people import Person
from engine.postgres import Connection
from engine.task_events import Event
from engine.watchers import sql


def pause(conn: Connection, name: str, by: Person) -> bool:
    """False where it was paused before. A check under way ends with the mail that it is at."""
    return _set_status(conn, name, "paused", by)


def resume(conn: Connection, name: str, by: Person) -> bool:
    """False where it was active before."""
    changed = _set_status(conn, name, "active", by)
    if changed:
        queue.wake(conn, "check_watchers")
    return changed


def paused(conn: Connection) -> list[str]:
    return [row["name"] for row in sql.list(conn) if row["status"] == "paused"]


def _set_status(conn: Connection, name: str, status: str, by: Person) -> bool:
    by.must_act()
    names = [row["name"] for row in sql.list(conn)]
    if name not in names:
        raise NotFound(f"watcher {name!r} (there are: {', '.join(names) or 'none yet'})")
    row = sql.set_status(conn, name=name, status=status)
    if row is None:
        return False
    event = "watcher_paused" if status == "paused" else "watcher_resumed"
    said = Event(event, actor=str(by), output_summary=name)
    task_events.append_configuration(conn, said, agent_id=row["agent_id"])
    return True
