"""What a task and its customer write to each other: how a reply finds back, how many
mails there were today, and the end of it all. A step reaches it by its context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine import effects, families, gate, mail_threads, suppressions
from engine.business import Business
from engine.keyed_hash import contact_hash
from engine.mail.sent_folder import SentFolder, Written
from engine.mail.ses import wire_message_id
from engine.moments import sent_at
from engine.postgres import Database
from engine.settings import Settings
from engine.suppressions import Suppressed
from engine.tasks import Task


@dataclass(frozen=True, slots=True)
class Correspondence:
    database: Database
    settings: Settings
    business: Business
    task: Task
    sent_folder: SentFolder
    away: Callable[[], AbstractContextManager[None]]

    def reply_address(self) -> str:
        """The company's reply address with this task's token, and the token's hash kept
        so that a reply finds the task even when it is long erased."""
        pattern = self.business.reply_address
        if "{token}" not in pattern:
            return pattern
        token = mail_threads.token_of(self.settings, self.task.id)
        self._remember(token)
        return pattern.format(token=token)

    def remember(self, message_id: str) -> None:
        """An answer that refers to this mail of ours belongs to this task."""
        if message_id:
            self._remember(wire_message_id(message_id, self.settings.ses_region))

    def begun(self, purpose: str) -> bool:
        """Whether a call of this visit went out or may have, or a person has ruled on it: then
        it is to be settled, and not to be thought over. One that the vendor put off, or that
        never left, has begun nothing: what it rests on may have changed since."""
        with self.database.read() as conn:
            key = f"{self.task.id}.{self.task.visit}.{purpose}"
            row = effects.sql.get(conn, key=key)
        return row is not None and not effects.never_left(row)

    def full(self) -> bool:
        """Whether so many mails went out about this matter today that a machine must be at
        the other end."""
        with self.database.read() as conn:
            traffic = families.sql.traffic(conn, task_id=self.task.id)
        return traffic["sent"] >= self.settings.thread_mails_per_day

    def suppressed(self, address: str) -> Suppressed | None:
        """Why nobody writes to this address any more, or None."""
        with self.database.read() as conn:
            return suppressions.of(conn, contact_hash(self.settings, address))

    def barred(self, address: str, *, offer: bool) -> str:
        """The code of what stands against writing to this address, or nothing."""
        with self.database.read() as conn:
            return gate.barred(conn, self.settings, self.task.id, address, offer=offer)

    def written_by_hand(self, address: str, known: str = "") -> Written:
        """Whether somebody has written to this address from the office's mailbox since the
        customer's mail came, or since the moment that is `known` already."""
        since = datetime.fromisoformat(known) if known else self._began()
        with self.away():
            return self.sent_folder.look(self.settings, address, since)

    def _began(self) -> datetime:
        """When the customer's mail was sent, or the task began. A key holds the moment of its
        birth by the clock on the wall: the mailbox knows of no other, while a task's
        times follow business time."""
        began = datetime.fromtimestamp((self.task.id.int >> 80) // 1000, UTC)
        return sent_at(self.task.context.get("email_sent_at"), began)

    def heard(self) -> dict[str, Any]:
        """What the customer has done about our mails, as it is known at this moment."""
        with self.database.read() as conn:
            return families.heard(conn, self.task.id)

    def has_replied(self) -> bool:
        """Whether the customer has replied, as it is known at this moment."""
        return bool(self.heard().get("customer_replied"))

    def stop(self, addresses: Sequence[str]) -> None:
        """The customer wants no more mail: from the next intent on there is none. What was
        heeded when their mail came, and lifted since, stays lifted where nobody answered."""
        heeded = bool(self.task.context.get("customer_opted_out"))
        silent = (self.task.question or {}).get("state") == "expired"
        with self.database.transaction("stop_writing") as conn:
            for contact in self._contacts(addresses):
                stands = suppressions.of(conn, contact) is not None
                if heeded and stands:
                    suppressions.confirm(conn, self.settings, contact, self.task)
                if heeded and (stands or silent):
                    continue
                suppressions.stop_writing(
                    conn, self.settings, contact, "opted_out", actor=self._actor,
                    task_id=self.task.id,
                )  # fmt: skip

    def take_back(self, addresses: Sequence[str]) -> bool:
        """The "stop" in their mail was not meant; False where there is nothing to lift."""
        with self.database.transaction("write_again") as conn:
            contacts = self._contacts(addresses)
            return suppressions.take_back(conn, contacts, self.task, actor=self._actor)

    def _contacts(self, addresses: Sequence[str]) -> list[bytes]:
        return sorted(contact_hash(self.settings, address) for address in addresses)

    @property
    def _actor(self) -> str:
        return f"task {self.task.number}"

    def _remember(self, name: str) -> None:
        with self.database.statement("add_thread") as conn:
            mail_threads.remember(conn, self.settings, name, self.task.id)
