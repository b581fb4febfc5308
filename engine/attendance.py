"""Who is here to answer. An owner who is away has said so (`absences.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine import tasks, users
from engine.postgres import Connection
from engine.users import User


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who may answer: those who are here, and those who are not."""

    present: tuple[User, ...]
    away: tuple[User, ...]

    @property
    def unattended_until(self) -> datetime | None:
        """When the first one comes back; None while somebody is here."""
        returns = [user.away_until for user in self.away if user.away_until]
        return min(returns) if returns and not self.present else None


def attendance(conn: Connection) -> Attendance:
    now = tasks.now(conn)
    owners = [u for u in users.list_all(conn) if u.role == "admin" and u.disabled_at is None]
    away = [user for user in owners if user.away_until and user.away_until > now]
    return Attendance(tuple(user for user in owners if user not in away), tuple(away))
