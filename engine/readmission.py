"""Readmission: a person says that a contact may be written to again, and why.

Lifts an opt-out or a bounce, whoever confirmed it and however long ago; a complaint stands,
for the mailbox provider has counted it. The record says who lifted what and why, in words of
a closed list, and whom by the contact's keyed hash. Behind `/sop write-again`
and `bin/engine write-again`.
"""

from __future__ import annotations

import contextlib
from typing import get_args

from engine import families, suppressions, task_events, tasks
from engine.errors import EngineError, NotAllowed, TaskClosed
from engine.keyed_hash import contact_hash
from engine.mail.addresses import BARE, deliverable
from engine.moments import day
from engine.people import Person
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.settings import Settings
from engine.suppressions import Reason, Suppressed, sql
from engine.task_events import Event

WHYS = {
    "asked": "they have asked for mail again",
    "mistake": "it was not meant, or entered by mistake",
    "repaired": "the address works again",
}
STANDS = "They have marked our mail as spam. That stands: use the phone, or your own mailbox."
SAID = {
    "unsubscribed": "They unsubscribed",
    "opted_out": "They opted out",
    "complained": "They marked our mail as spam",
    "bounced": "Mail to them bounced",
}


class ReadmissionInvalid(EngineError):
    """That lifts nothing"""

    code = "readmission_invalid"


def read_address(settings: Settings, text: str) -> bytes:
    """The contact that somebody typed; Slack may have made a link of it."""
    found = BARE.search(text.replace("|", " ").replace("mailto:", " "))
    address = deliverable(found[0]) if found else ""
    if not address:
        raise ReadmissionInvalid("give the e-mail address that may be written to again")
    return contact_hash(settings, address)


def told(runtime: Runtime, known: Suppressed | None) -> str:
    """How it stands with a contact."""
    if known is None:
        return "They may be written to: nobody has opted them out here, and nothing bounced."
    since = day(known.created_at, runtime.business.zone)
    return f"{SAID[known.reason]} on {since}: nothing goes to them."


def lift(conn: Connection, settings: Settings, contact: bytes, why: str, by: Person) -> Suppressed:
    """From the next intent on they may be written to; returns what stood against it."""
    by.must_act()
    if why not in WHYS:
        raise ReadmissionInvalid(f"say why: {', '.join(WHYS)}")
    known = suppressions.of(conn, contact)
    if known is None:
        raise ReadmissionInvalid("they may be written to already")
    if known.reason == "complained":
        raise NotAllowed(STANDS)
    if not sql.remove(conn, contact_hash=contact, reason=known.reason):
        raise ReadmissionInvalid("it has changed at this moment; look once more")
    said = f"{known.reason}: {why}"
    event = Event(
        "opt_out_lifted", actor=str(by), output_summary=said, input_summary=contact.hex()[:16]
    )
    task_events.append_configuration(conn, event)
    behind = sql.last_task(conn, contact_hash=contact)
    if behind is not None:
        undone = dict.fromkeys(suppressions.KNOWN[known.reason], False)
        families.tell(conn, behind, "opt_out_lifted", undone, actor=str(by), summary=said)
    _forget_what_was_told(conn, settings, contact, by)
    return known


def _forget_what_was_told(conn: Connection, settings: Settings, contact: bytes, by: Person) -> None:
    """What has yet to tell the CRM is cancelled; should they opt out once more, it is told anew."""
    reasons: tuple[Reason, ...] = get_args(Reason)
    keys = [
        suppressions.told_key(settings, slug, reason, contact)
        for slug in (row["slug"] for row in sql.tellers(conn))
        for reason in reasons
    ]
    for row in sql.told(conn, keys=keys):
        with contextlib.suppress(TaskClosed):
            tasks.cancel(conn, row["id"], by=str(by))
    sql.forget_told(conn, keys=keys)
