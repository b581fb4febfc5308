"""Suppressions: contacts that are not to be written to any more, as keyed hashes.

The gate in `effects.py` asks before every mail, so what is added here holds from the
next intent on, and outlives the erasure of every task. The task whose mail it concerns
is told, and the CRM hears of it by a task of the procedures that listen to `stop_writing`:
of a "stop" in a reply once a person has seen it or kept silent, for until then they may say
that it was not meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine import families, queue, sops, tasks
from engine.keyed_hash import contact_hash, keyed_hash
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.settings import Settings
from engine.task_events import EventType

sql = queries("suppressions")

Also = Callable[[Connection], None]
Reason = Literal["unsubscribed", "bounced", "complained", "opted_out"]
EVENTS: dict[Reason, EventType] = {
    "unsubscribed": "customer_opted_out",
    "opted_out": "customer_opted_out",
    "complained": "mail_complained",
    "bounced": "mail_bounced",
}
KNOWN: dict[Reason, dict[str, bool]] = {
    "unsubscribed": {"customer_opted_out": True},
    "opted_out": {"customer_opted_out": True},
    "complained": {"customer_opted_out": True, "customer_complained": True},
    "bounced": {"customer_bounced": True},
}


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why a contact is not written to, and since when."""

    reason: Reason
    created_at: datetime

    @property
    def by_choice(self) -> bool:
        """They opted out. An answer that they ask for later is excepted; after a bounce or a
        complaint nothing is."""
        return self.reason in ("unsubscribed", "opted_out")


def of(conn: Connection, contact: bytes) -> Suppressed | None:
    row = sql.get(conn, contact_hash=contact)
    return Suppressed(**row) if row else None


def add(conn: Connection, contact: bytes, reason: Reason) -> bool:
    """False where the contact was suppressed before, for a reason as strong."""
    return bool(sql.add(conn, contact_hash=contact, reason=reason))


def stop_writing(
    conn: Connection,
    settings: Settings,
    contact: bytes,
    reason: Reason,
    *,
    actor: str,
    task_id: UUID | None = None,
    summary: str = "",
) -> bool:
    """Suppress the contact, and tell whom it concerns: the task whose mail it is about
    (without one, the last that sent them marketing mail) and the CRM. False where the
    contact was suppressed before; then the CRM has heard."""
    new = add(conn, contact, reason)
    concerned = task_id or sql.last_task(conn, contact_hash=contact)
    if concerned is None or not (new or task_id):
        return new
    task = families.tell(
        conn, concerned, EVENTS[reason], KNOWN[reason], actor=actor, summary=summary or reason
    )
    if new and task.subject is not None:
        _start(conn, settings, contact, reason, task)
    return new


def heed(conn: Connection, contacts: Sequence[bytes], task_id: UUID | None, *, actor: str) -> bool:
    """A reply to this task, or a mail to nobody's, says "stop": nothing more goes to them from
    here on. False where a reason as strong stood there before."""
    new = [add(conn, contact, "opted_out") for contact in sorted(contacts)]
    if any(new) and task_id is not None:
        families.tell(
            conn, task_id, "customer_opted_out", KNOWN["opted_out"], actor=actor,
            summary="opted_out",
        )  # fmt: skip
    return any(new)


def confirm(conn: Connection, settings: Settings, contact: bytes, task: tasks.Task) -> None:
    """What was heeded is left at that: the CRM hears of it."""
    known = of(conn, contact)
    if known is not None and task.subject is not None:
        _start(conn, settings, contact, known.reason, task)


def take_back(conn: Connection, contacts: Sequence[bytes], task: tasks.Task, *, actor: str) -> bool:
    """A person says that it was not meant. That lifts what the reply of this task has
    brought about, and nothing that they have said or done besides."""
    lifted = [
        bool(sql.lift(conn, contact_hash=contact, created_at=task.created_at))
        for contact in sorted(contacts)
    ]
    if any(lifted):
        behind = task.parent_id or task.id  # told also where it has ended
        families.tell(
            conn, behind, "opt_out_taken_back", {"customer_opted_out": False}, actor=actor
        )
    return any(lifted)


def catching_up(settings: Settings, task: tasks.Task, subject: str, also: Also | None) -> Also:
    """What commits with a task's learning whom the CRM has it about: whom they must not be
    written to was perhaps known before (a bounce while the CRM was down), and the CRM hears
    of it now."""

    def tell(conn: Connection) -> None:
        if also is not None:
            also(conn)
        # As it is by now: whoever reports a bounce waits for this row, or was before us.
        to = sql.address_of(conn, task_id=task.id)
        if not to:
            return
        contact = contact_hash(settings, to)
        known = of(conn, contact)
        if known is not None:
            _start(conn, settings, contact, known.reason, replace(task, subject=subject))

    return tell


def _start(
    conn: Connection, settings: Settings, contact: bytes, reason: Reason, task: tasks.Task
) -> None:
    for sop in sops.for_event(conn, "stop_writing"):
        tasks.start(
            conn,
            sop.id,
            context={"trigger": f"task {task.number}", "reason": reason,
                     "customer_id": task.subject},
            actor=f"task {task.number}",
            subject=task.subject,
            dedupe_key=told_key(settings, sop.slug, reason, contact),
        )  # fmt: skip
    queue.wake(conn, "run_tasks")


def told_key(settings: Settings, slug: str, reason: Reason, contact: bytes) -> bytes:
    """Under which this procedure tells the CRM of this contact, once."""
    return keyed_hash(settings, f"stop_writing:{slug}:{reason}", contact)
