"""How often a door may be tried: so many at once, then one every so many seconds.

Counted in `rate_limits`, so that all web processes count together. Who tries is kept
as a keyed hash, for addresses are personal. The limit slows and never locks: an owner
whom somebody hammers can still come in by a link.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.keyed_hash import keyed_hash
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.settings import Settings

sql = queries("attempts")


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` tries at once, then one every `gap` seconds."""

    door: str
    burst: int
    gap: float


BY_ADDRESS = Limit("sign_in_address", burst=20, gap=15)
BY_EMAIL = Limit("sign_in_email", burst=8, gap=30)


def take(conn: Connection, settings: Settings, limit: Limit, who: str) -> int:
    """Count one try. 0 where it is allowed, else the seconds until the next may be made."""
    given = _given(settings, limit, who)
    if sql.take(conn, **given):
        return 0
    return sql.wait(conn, **given) or 1


def forget(conn: Connection, settings: Settings, limit: Limit, who: str) -> None:
    """They came in, so their earlier tries count for nothing."""
    given = _given(settings, limit, who)
    sql.forget(conn, door=given["door"], who=given["who"])


def _given(settings: Settings, limit: Limit, who: str) -> dict[str, object]:
    key = keyed_hash(settings, limit.door, who.strip().casefold()).hex()
    return {"door": limit.door, "who": key, "gap": limit.gap, "burst": limit.burst}
