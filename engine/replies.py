"""A customer's reply: known for one, made known, and put before a person.

No model answers it, and it never starts as a new lead. The task whose mail it answers and
those of its family learn that the customer replied, so that follow-ups end; then a task
of each procedure that listens to `reply` brings it to a person, also where the task
behind it was erased long ago. Where it says "stop", nothing more goes to them from that
moment on, whatever the person does. A mail that says nothing else goes the same way, whether
or not it answers one of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from engine import cards, daily_summary, families, queue, sops, suppressions, tasks
from engine.errors import NotFound
from engine.keyed_hash import contact_hash, keyed_hash
from engine.mail import InboundMail
from engine.mail.addresses import of_reply
from engine.mail.opt_out_words import asks_to_stop
from engine.mail.recipients import relay_for
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.tasks import Task

Verdict = Literal["reply", "loop"]
REPLIED = "The customer has replied since this was drafted."


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail that answers one of a task's; of no task, where somebody to whom we have made no
    offer wants no mail."""

    task_id: UUID | None
    verdict: Verdict


def of(
    conn: Connection,
    runtime: Runtime,
    answered: UUID | None,
    mail: InboundMail,
    context: Mapping[str, Any],
) -> Reply | None:
    """What this mail is a reply to, or None where it is a matter of its own. What follows on
    spam, to which nobody has written a word, is as good as new: sellers write three times."""
    if answered is not None and daily_summary.sql.spam_step(conn, task_id=answered) is None:
        return known_for(conn, runtime, answered)
    address = str(context["customer_email"])
    if not address or not asks_to_stop(mail.fresh_text, mail.subject):
        return None
    behind = suppressions.sql.last_task(conn, contact_hash=contact_hash(runtime.settings, address))
    return known_for(conn, runtime, behind) if behind else Reply(None, "reply")


def known_for(conn: Connection, runtime: Runtime, task_id: UUID) -> Reply:
    """A reply to this task; a loop where a machine must be at the other end."""
    traffic = families.sql.traffic(conn, task_id=task_id)
    full = traffic["taken"] >= runtime.settings.thread_mails_per_day
    return Reply(task_id, "loop" if full else "reply")


def take(
    conn: Connection,
    runtime: Runtime,
    reply: Reply,
    mail: InboundMail,
    context: Mapping[str, Any],
    key: bytes,
    *,
    actor: str,
) -> tuple[Task, ...]:
    """Make the reply known, and start what brings it to a person."""
    behind = tasks.get(conn, reply.task_id) if reply.task_id else None
    known = dict(context) | (_of_the_task(behind) if behind else _of_the_sender(runtime, mail))
    stopped = asks_to_stop(mail.fresh_text, mail.subject) and _stop(
        conn, runtime, reply, known, actor
    )
    if behind is not None and reply.verdict == "loop":
        return _told_of_loop(conn, runtime, behind)
    if behind is not None:
        behind = families.tell(
            conn, behind.id, "customer_replied", {"customer_replied": True},
            actor=actor, warning=REPLIED,
        )  # fmt: skip
    procedures = sops.for_event(conn, "reply")
    if not procedures:
        raise NotFound("an active SOP with trigger 'events: [reply]'; import one, or run seed")
    known |= {
        "trigger": f"a reply to task {behind.number}" if behind else "a mail to the office",
        "email_asks_to_stop": stopped,
    }
    if stopped:
        known["customer_opted_out"] = True
    started = [
        tasks.start(
            conn,
            sop.id,
            context=known,
            actor=actor,
            subject=behind.subject if behind else None,
            parent=behind,
            dedupe_key=keyed_hash(runtime.settings, f"reply:{sop.slug}", key),
        )
        for sop in procedures
    ]
    queue.wake(conn, "run_tasks")
    return tuple(task for task in started if task is not None)


def _stop(
    conn: Connection, runtime: Runtime, reply: Reply, known: Mapping[str, Any], actor: str
) -> bool:
    """Write no more to the address that they write from, and to the one that they were
    written to. False where that was so before, and this mail has nothing to take back."""
    contacts = [contact_hash(runtime.settings, one) for one in of_reply(known)]
    return suppressions.heed(conn, contacts, reply.task_id, actor=actor)


def _of_the_task(answered: Task) -> dict[str, Any]:
    """What the task behind it knows better than the mail: none of it, once it is erased."""
    known = answered.context
    kept = {name: known[name] for name in ("customer_id", "customer_name") if known.get(name)}
    mail = known.get("draft_mail")
    if isinstance(mail, dict) and mail.get("to"):
        kept["email_sent_to"] = mail["to"]
    return kept


def _of_the_sender(runtime: Runtime, mail: InboundMail) -> dict[str, Any]:
    """Whoever wants answers elsewhere wants no mail here either; a form's address is nobody's."""
    if relay_for(mail, runtime.business.form_relays) is not None:
        return {}
    return {"email_sent_to": mail.sender}


def _told_of_loop(conn: Connection, runtime: Runtime, task: Task) -> tuple[Task, ...]:
    cards.raise_alarm(
        conn,
        f"loop:task:{task.id}",
        f"More than {runtime.settings.thread_mails_per_day} mails a day answer task"
        f" {task.number}: a machine, by the look of it. Further ones are kept in the mailbox and"
        " not put before you today.",
        channel=runtime.settings.channel_escalations,
        task_id=task.id,
    )
    return ()
