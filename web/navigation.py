"""The pages that stand in the header, in order. A new page is a line here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    endpoint: str
    label: str
    icon: str

    @property
    def blueprint(self) -> str:
        return self.endpoint.partition(".")[0]


PLACES = (
    Place("inbox.index", "Inbox", "inbox"),
    Place("outlook.index", "Outlook", "clock"),
    Place("tasks.index", "Tasks", "list"),
)
