"""Where a storm's occasions come from: forms posted to the web, mails dropped into the
mailbox, tasks started by hand, and now and then one that is cancelled.

What is not accepted is offered again, as a form, a mail server and a person would.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engine import sops, tasks, watchers
from engine.demo import MAILBOX_WATCHER
from engine.errors import TaskClosed
from engine.postgres import DATABASE_DOWN
from tests.chaos import storm_occasions
from tests.chaos.stage import Stage
from tests.chaos.storm_plan import Occasion
from web.local import imap
from web.local.engine_calls import engine
from web.local.leads import signature

SECRET = "local-webhook-secret"
HAND_STARTED = {"everything": "every_type", "patience": "patience"}


@dataclass
class Source:
    """`offered` is what has happened in the world, whether or not the engine has it yet."""

    stage: Stage
    engine_url: str
    maildir: Path
    coming: list[Occasion]
    offered: list[Occasion] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    _again: list[Occasion] = field(default_factory=list)
    _looked: float = 0.0

    @property
    def done(self) -> bool:
        return not self.coming and not self._again

    def look(self, now: float) -> None:
        """Bring what is due by `now`, in seconds since the storm began."""
        due = [one for one in self.coming if one.at <= now]
        self.coming = [one for one in self.coming if one.at > now]
        self.offered += due
        self._again = [one for one in [*self._again, *due] if not self._brought(one)]
        for one in self.offered:
            if one.cancelled_at and one.cancelled_at <= now and one.number not in self.cancelled:
                self._cancel(one)
        if time.monotonic() - self._looked > 2:
            self._check_mailbox()

    def _brought(self, one: Occasion) -> bool:
        match one.kind:
            case "form":
                posted = [self._post(one) for _ in range(one.copies)]
                return all(posted)
            case "mail":
                for _ in range(one.copies):
                    imap.drop(self.maildir, storm_occasions.letter(one))
                return True
            case _:
                return self._start(one)

    def _post(self, one: Occasion) -> bool:
        body = storm_occasions.form(one)
        headers = {"X-Engine-Signature": signature(SECRET, int(time.time()), body)}
        url = f"{self.engine_url}/webhooks/leads"
        try:
            return engine().post(url, content=body, headers=headers, timeout=5).status_code == 202
        except httpx.HTTPError:
            return False

    def _start(self, one: Occasion) -> bool:
        """By a key of its own: nobody knows whether a commit that got no answer came about."""
        try:
            with self.stage.runtime.database.transaction("start") as conn:
                tasks.start(
                    conn, sops.active(conn, HAND_STARTED[one.kind]).id, actor="storm",
                    context=storm_occasions.context(one), dedupe_key=f"storm {one.number}".encode(),
                )  # fmt: skip
        except DATABASE_DOWN:
            return False
        return True

    def _cancel(self, one: Occasion) -> None:
        self.cancelled.add(one.number)
        try:
            for row in self.stage.rows(
                "select id from tasks where parent_id is null and context ->> 'customer_name' = %s",
                storm_occasions.name(one),
            ):
                with self.stage.runtime.database.transaction("cancel") as conn:
                    tasks.cancel(conn, row["id"], by="storm")
        except (TaskClosed, *DATABASE_DOWN):
            # It has ended, or a person who sees an error looks again: both are lawful.
            pass

    def _check_mailbox(self) -> None:
        """What the watcher does every five minutes; nobody waits for that here."""
        self._looked = time.monotonic()
        try:
            with self.stage.runtime.database.read() as conn:
                watchers.check_now(conn, MAILBOX_WATCHER)
        except DATABASE_DOWN:
            pass
