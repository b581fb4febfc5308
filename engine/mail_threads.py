"""Threads: which task a mail belongs to, by the mails that it refers to or by the address
it was written to. Never by its subject: half of the world writes "Re: your quote".

What leads to a task is kept as a keyed hash and outlives the task's data: a reply that
comes a year later is still known for one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from uuid import UUID

from engine.business import Business
from engine.keyed_hash import keyed_hash
from engine.mail import InboundMail
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.settings import Settings

sql = queries("mail_threads")


def remember(conn: Connection, settings: Settings, name: str, task_id: UUID) -> None:
    """A mail that names this Message-ID or token belongs to the task."""
    sql.add(conn, hash=keyed_hash(settings, "thread", name), task_id=task_id)


def token_of(settings: Settings, task_id: UUID) -> str:
    """What stands in the reply address of a task's mails."""
    digest = keyed_hash(settings, "reply", task_id.bytes)[:10]
    return base64.b32encode(digest).decode().lower()


def task_of(
    conn: Connection, settings: Settings, business: Business, mail: InboundMail
) -> UUID | None:
    """The task that a mail answers, or None where it answers none of ours."""
    named = [mail.in_reply_to, *reversed(mail.references)]
    for names in (filter(None, named), _tokens(business, mail)):
        hashes = [keyed_hash(settings, "thread", name) for name in names]
        found = sql.task_of(conn, hashes=hashes) if hashes else None
        if found is not None:
            return found
    return None


def _tokens(business: Business, mail: InboundMail) -> Iterable[str]:
    """The tokens in the addresses that the mail was written or delivered to."""
    before, placeholder, after = business.reply_address.lower().partition("{token}")
    if not placeholder:
        return []
    pattern = re.compile(f"{re.escape(before)}([a-z2-7]{{16}}){re.escape(after)}")
    found = (pattern.fullmatch(one.lower()) for one in (*mail.to, *mail.delivered_to))
    return [match[1] for match in found if match]
