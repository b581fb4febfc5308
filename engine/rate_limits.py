"""How fast each vendor may be called, and which vendor is down: shared by all workers.

One row per (vendor, key). A slot is taken with the intent of an effect; one that lies
more than a second away parks the task until then. A vendor's 429 stands in a row of its
own, for it holds back those too who have reserved their slot already. An outage parks
every task that needs the vendor, with growing pauses, and counts as one cause, however
many tasks it stops.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.postgres import Connection
from engine.postgres.queries import queries

sql = queries("rate_limits")
PAUSE = "pause "


@dataclass(frozen=True, slots=True)
class Outage:
    """`wait` is in seconds until the vendor is tried again; `began` is true for the
    failure that started it."""

    vendor: str
    failures: int
    wait: float
    began: bool = False


def take(conn: Connection, vendor: str, key: str, gap: float) -> float:
    """Reserve the next slot; returns the seconds until it comes."""
    return sql.take(conn, vendor=vendor, key=key, gap=gap)


def next_slot(conn: Connection, vendor: str, key: str) -> float:
    """Seconds until the next free slot, which is not reserved."""
    return sql.wait_for(conn, vendor=vendor, key=key)


def push(conn: Connection, vendor: str, key: str, seconds: float) -> None:
    """The vendor asks everybody to wait."""
    sql.push(conn, vendor=vendor, key=PAUSE + key, seconds=seconds)


def wait_for(conn: Connection, vendor: str, key: str = "") -> float:
    """Seconds for which the vendor has asked everybody to wait."""
    return sql.wait_for(conn, vendor=vendor, key=PAUSE + key)


def standing(conn: Connection, vendor: str) -> tuple[float, Outage | None]:
    """`wait_for` and `outage` in one question."""
    row = sql.standing(conn, vendor=vendor, key=PAUSE)
    down = Outage(vendor, row["failures"], row["wait"]) if row["failures"] is not None else None
    return row["paused"], down


def outage(conn: Connection, vendor: str) -> Outage | None:
    row = sql.outage(conn, vendor=vendor)
    return None if row is None else Outage(vendor, row["failures"], row["wait"])


def fail(conn: Connection, vendor: str) -> Outage:
    row = sql.fail(conn, vendor=vendor)
    return Outage(vendor, row["failures"], row["wait"], row["began"])


def recover(conn: Connection, vendor: str) -> bool:
    """True where the vendor had been down."""
    return sql.recover(conn, vendor=vendor) is not None
