"""Who acts: a person with a name, a way in, and what they may do.

Made in one place for each way in (the signed-in user, the listed Slack user, the shell)
and checked in the verbs themselves, so that no way in can forget to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import NotAllowed

Via = Literal["slack", "web", "cli", "api"]


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    via: Via
    may_act: bool

    def __str__(self) -> str:
        """How the log names them: an id, for names are personal."""
        return f"{self.via}:{self.id}"

    def must_act(self) -> None:
        if not self.may_act:
            raise NotAllowed(f"{self.name} may look but not act; an admin can change that")


def shell() -> Person:
    """Whoever can run commands on the machine may do anything."""
    return Person("shell", "the command line", "cli", may_act=True)
