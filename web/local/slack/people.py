"""Who is in the local workspace: two owners, a stranger, and the engine's own bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OWNER = "U0OWNER"
PARTNER = "U0PARTNER"
STRANGER = "U0STRANGER"
BOT_USER = "U0ENGINE"
BOT = "B0ENGINE"
APP = "A0ENGINE"
TEAM_NAME = "Local workspace"
TEAM_DOMAIN = "local"


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    handle: str
    name: str
    bot: bool = False

    def as_slack(self, team_id: str) -> dict[str, Any]:
        """The person as `users.info` gives them."""
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.handle,
            "real_name": self.name,
            "deleted": False,
            "is_bot": self.bot,
            "tz": "America/Chicago",
            "profile": {"real_name": self.name, "display_name": self.name},
        }


PEOPLE = {
    person.id: person
    for person in (
        Person(OWNER, "chris", "Chris"),
        Person(PARTNER, "sam", "Sam"),
        Person(STRANGER, "robin", "Robin, a stranger"),
        Person(BOT_USER, "engine", "SOP engine", bot=True),
    )
}
