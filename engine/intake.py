"""The way in: a mail or a web form becomes a task, once.

Every message with a sender becomes a task, except an auto-reply, our own mail, and a
duplicate; a reply to a mail of ours, and who wants no more mail, go a way of their own
(`replies.py`). The raw mail, the
task, its first event and its wake-up are one transaction.
The same occasion is known by a keyed hash: Message-IDs are personal.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

from engine import mail_threads, queue, replies, sops, tasks
from engine.errors import NotFound
from engine.keyed_hash import keyed_hash
from engine.mail import InboundMail
from engine.mail.addresses import deliverable
from engine.mail.automatic import automatic_reason
from engine.mail.charsets import one_line
from engine.mail.inbound import read_mail
from engine.mail.recipients import recipient
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.runtime import Runtime
from engine.tasks import Task

sql = queries("mails")

Verdict = Literal["task", "reply", "loop", "auto_reply", "own", "no_sender", "duplicate"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

# A context may hold 256 KB; a text that long is no letter.
LONGEST_TEXT = 50_000
RE = re.compile(r"^(\s*re\s*:)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message, and the tasks it started."""

    verdict: Verdict
    mail: InboundMail
    tasks: tuple[Task, ...] = ()


def take_mail(runtime: Runtime, raw: bytes, *, source: str) -> Taken:
    """Take one raw mail in. Never raises for what stands in it."""
    business = runtime.business
    mail = read_mail(raw, business.own_addresses)
    verdict = _verdict(mail, runtime)
    settings = runtime.settings
    dedupe_key = keyed_hash(settings, "mail", _identity(mail, raw))
    with runtime.database.transaction("take_mail") as conn:
        answered = mail_threads.task_of(conn, settings, business, mail)
        context = _mail_context(runtime, mail)
        reply = None
        if verdict == "task":
            reply = replies.of(conn, runtime, answered, mail, context)
        if reply is not None:
            verdict = reply.verdict
        kept = sql.keep(conn, dedupe_key=dedupe_key, source=source, verdict=verdict, raw=raw)
        if kept is None:
            return Taken("duplicate", mail)
        started: tuple[Task, ...] = ()
        if reply is not None:
            started = replies.take(conn, runtime, reply, mail, context, dedupe_key, actor=source)
        elif verdict == "task":
            if answered is not None:
                # With what it goes on from, for by itself it may say nothing.
                context["email_text"] = mail.text[:LONGEST_TEXT]
            started = _start(conn, "mail", context, dedupe_key, actor=source)
        # Without a task of its own it is erased with the one that it answers.
        _file(conn, kept["id"], [task.id for task in started] or [answered])
        _remember_thread(conn, runtime, mail, started)
    return Taken(verdict, mail, started)


def _file(conn: Connection, mail_id: UUID, task_ids: Sequence[UUID | None]) -> None:
    for task_id in task_ids:
        if task_id is not None:
            sql.belongs_to(conn, mail_id=mail_id, task_id=task_id)


def _identity(mail: InboundMail, raw: bytes) -> str:
    """What makes two messages the same: the Message-ID, and since broken form senders
    give every lead the same one, who wrote and what."""
    if not mail.message_id:
        return hashlib.sha256(raw).hexdigest()
    text = hashlib.sha256(mail.text.encode()).hexdigest()
    return f"{mail.message_id} {mail.sender} {text}"


def _verdict(mail: InboundMail, runtime: Runtime) -> Verdict:
    if not mail.sender:
        return "no_sender"
    reason = automatic_reason(mail, runtime.business.form_relays)
    if reason is None:
        return "task"
    return "own" if reason == "own" else "auto_reply"


def take_lead(
    runtime: Runtime, conn: Connection, form: Mapping[str, Any], key: str
) -> tuple[Task, ...]:
    """Take a web form's lead in. `key` is the form's own id for it."""
    typed = str(form.get("email") or "").strip()
    email = deliverable(typed)
    context = {
        "trigger": "the web form",
        "customer_name": one_line(str(form.get("name") or "")),
        "customer_email": email,
        # With a slip in it the card shows it, and asks for the right one.
        "customer_email_typed": "" if email else typed,
        "customer_phone": str(form.get("phone") or "").strip(),
        "customer_address": str(form.get("address") or "").strip(),
        "email_answer_to": email,
        "email_subject": "Request by the web form",
        "email_text": str(form.get("message") or "")[:LONGEST_TEXT],
    }
    dedupe_key = keyed_hash(runtime.settings, "lead_form", key)
    return _start(conn, "lead_form", context, dedupe_key, actor="lead_form")


def _start(
    conn: Connection, event: str, context: Mapping[str, Any], key: bytes, *, actor: str
) -> tuple[Task, ...]:
    """A task of each active procedure that listens to this kind of event."""
    procedures = sops.for_event(conn, event)
    if not procedures:
        raise NotFound(f"an active SOP with trigger 'events: [{event}]'; import one, or run seed")
    started = []
    for n, sop in enumerate(procedures):
        # The first procedure takes the occasion's own key, any other one a key of its own.
        own_key = key if n == 0 else hashlib.sha256(key + sop.slug.encode()).digest()
        task = tasks.start(conn, sop.id, context=context, actor=actor, dedupe_key=own_key)
        if task is not None:
            started.append(task)
    queue.wake(conn, "run_tasks")
    return tuple(started)


def _mail_context(runtime: Runtime, mail: InboundMail) -> dict[str, Any]:
    business = runtime.business
    to = recipient(mail, business.form_relays, business.own_addresses)
    return {
        "trigger": "a mail to the office",
        "customer_email": to.address if to else "",
        "customer_name": to.name if to else "",
        "customer_phone": to.phone if to else "",
        "email_answer_to": to.address if to else "",
        "email_from": mail.sender,
        "email_subject": mail.subject,
        "email_reply_subject": reply_subject(mail.subject),
        "email_text": mail.fresh_text[:LONGEST_TEXT],
        "email_sent_at": mail.sent_at.isoformat() if mail.sent_at else "",
        "email_message_id": mail.message_id,
        "email_references": [*mail.references, mail.message_id][-20:] if mail.message_id else [],
        "email_attachments": [f"{a.name} ({a.size} bytes)" for a in mail.attachments][:20],
    }


def reply_subject(subject: str) -> str:
    """With one `Re:`, however often it has gone to and fro."""
    return f"Re: {RE.sub('', subject).strip()}".strip()


def _remember_thread(
    conn: Connection, runtime: Runtime, mail: InboundMail, started: tuple[Task, ...]
) -> None:
    """A later mail that refers to this one belongs to the same task."""
    if mail.message_id and started:
        mail_threads.remember(conn, runtime.settings, mail.message_id, started[0].id)


def lead_key(body: bytes, occasion: str = "") -> str:
    """What makes two posts of a form one lead: its own id and whom they are about, for many
    forms give every lead the same one. A form without an id is known by its content, and by the
    occasion that is named: who asks the same a year later asks again."""
    try:
        form = json.loads(body)
    except ValueError:
        form = None
    if not isinstance(form, dict) or not form.get("id"):
        return f"{hashlib.sha256(body).hexdigest()} {occasion}".strip()
    whom = [str(form.get(name) or "").strip().casefold() for name in ("email", "phone")]
    return json.dumps([str(form["id"]), *whom])
