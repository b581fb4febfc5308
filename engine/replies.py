"""A customer's reply: known for one, made known, and put before a person.

No model answers it, and it never starts as a new lead. The task whose mail it answers and
those of its family learn that the customer replied, so that follow-ups end; then a task
of each procedure that listens to `reply` brings it to a person, also where the task
behind it was erased long ago. Where it says "stop", nothing more goes to them from that
moment on, whatever the person does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from engine import cards, families, queue, sops, suppressions, tasks
from engine.errors import NotFound
from engine.keyed_hash import contact_hash, keyed_hash
from engine.mail import InboundMail
from engine.mail.addresses import of_reply
from engine.mail.opt_out_words import asks_to_stop
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.tasks import Task

Verdict = Literal["reply", "loop"]
REPLIED = "The customer has replied since this was drafted."


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail that answers one of a task's."""

    task_id: UUID
    verdict: Verdict


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
    stopped = asks_to_stop(mail.fresh_text) and _stop(conn, runtime, reply, context, actor)
    if reply.verdict == "loop":
        return _told_of_loop(conn, runtime, reply)
    answered = families.tell(
        conn, reply.task_id, "customer_replied", {"customer_replied": True},
        actor=actor, warning=REPLIED,
    )  # fmt: skip
    procedures = sops.for_event(conn, "reply")
    if not procedures:
        raise NotFound("an active SOP with trigger 'events: [reply]'; import one, or run seed")
    known = dict(context) | _of_the_task(answered) | {
        "trigger": f"a reply to task {answered.number}",
        "email_asks_to_stop": stopped,
    }  # fmt: skip
    if stopped:
        known["customer_opted_out"] = True
    started = [
        tasks.start(
            conn,
            sop.id,
            context=known,
            actor=actor,
            subject=answered.subject,
            parent=answered,
            dedupe_key=keyed_hash(runtime.settings, f"reply:{sop.slug}", key),
        )
        for sop in procedures
    ]
    queue.wake(conn, "run_tasks")
    return tuple(task for task in started if task is not None)


def _stop(
    conn: Connection, runtime: Runtime, reply: Reply, context: Mapping[str, Any], actor: str
) -> bool:
    """Write no more to the address that they write from, and to the one that they were
    written to. False where that was so before, and this mail has nothing to take back."""
    known = dict(context) | _of_the_task(tasks.get(conn, reply.task_id))
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


def _told_of_loop(conn: Connection, runtime: Runtime, reply: Reply) -> tuple[Task, ...]:
    task = tasks.get(conn, reply.task_id)
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
