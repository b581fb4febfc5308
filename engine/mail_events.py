"""What SES reports about a mail of ours: sent, bounced, complained about, delayed.

The last station of a send. A report names its effect by the tag that travelled with the
mail: `Send` settles an effect in doubt, a bounce or a complaint stops further mail at once.
A report may be of any shape that Amazon thinks of later; what is not understood is left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog

from engine import cards, doubts, effects, families, queue, rulings, suppressions, tasks
from engine.keyed_hash import contact_hash
from engine.mail.addresses import BARE
from engine.mail.ses import EFFECT_TAG, effect_key_of
from engine.people import Person
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.suppressions import Reason

log = structlog.get_logger()
SES = Person("ses", "Amazon SES", "api", may_act=True)
# What an out-of-office note is reported as, too: it says nothing for certain.
PERHAPS_A_NOTE = "General"
LISTS = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}


def act(runtime: Runtime, conn: Connection, body: bytes) -> None:
    """Act on one report, in the transaction that marks its delivery as done."""
    post = json.loads(body)
    if post.get("Type") == "UnsubscribeConfirmation":
        _tell_unsubscribed(runtime, conn)
        return
    report = _report(post.get("Message"))
    kind = report.get("eventType") or report.get("notificationType")
    effect = effects.sql.get(conn, key=_effect_key(report))
    match kind:
        case "Send" if effect is not None:
            _sent(runtime, conn, effect, report)
        case "Bounce":
            _bounced(runtime, conn, effect, report)
        case "Complaint" if _part(report, "complaint").get("complaintFeedbackType") == "not-spam":
            # Somebody has taken our mail out of the spam folder.
            log.info("ses_report_left", kind="NotSpam")
        case "Complaint":
            _suppress(runtime, conn, effect, report, kind, "complained", "")
        case "Reject" | "Rendering Failure" if effect is not None:
            _note(conn, effect, "mail_bounced", "rejected")
            _ask_for_another_way(runtime, conn, effect, "rejected")
        case "DeliveryDelay" if effect is not None:
            delay = _part(report, "deliveryDelay").get("delayType")
            _note(conn, effect, "mail_delayed", _word(delay))
        case _:
            log.info("ses_report_left", kind=_word(kind))


def _sent(
    runtime: Runtime, conn: Connection, effect: Mapping[str, Any], report: dict[str, Any]
) -> None:
    """What nobody knew is settled, and whoever waits for it goes on at once."""
    message_id = str(_part(report, "mail").get("messageId") or "")
    if not rulings.confirm_sent(conn, effect["key"], {"message_id": message_id}):
        return
    tasks.sql.wake_settled(conn, task_id=effect["task_id"])
    queue.wake(conn, "run_tasks")
    doubts.dissolve(conn, runtime.settings, effect["task_id"], effect["key"], "sent", SES)


def _bounced(
    runtime: Runtime, conn: Connection, effect: Mapping[str, Any] | None, report: dict[str, Any]
) -> None:
    bounce = _part(report, "bounce")
    summary = " ".join(
        filter(None, (_word(bounce.get(name)) for name in ("bounceType", "bounceSubType")))
    )
    if bounce.get("bounceType") == "Permanent":
        _suppress(runtime, conn, effect, report, "Bounce", "bounced", summary)
        if effect is not None:
            _ask_for_another_way(runtime, conn, effect, "bounced")
    elif effect is not None:
        # A full mailbox, a text that was refused: SES has given up, the address may be good.
        _note(conn, effect, "mail_delayed", summary)
        detail = _word(bounce.get("bounceSubType"))
        if detail != PERHAPS_A_NOTE:
            _ask_for_another_way(runtime, conn, effect, detail or "not delivered")


def _suppress(
    runtime: Runtime,
    conn: Connection,
    effect: Mapping[str, Any] | None,
    report: dict[str, Any],
    kind: str,
    reason: Reason,
    summary: str,
) -> None:
    recipients = _part(report, kind.lower()).get(LISTS[kind])
    for recipient in recipients if isinstance(recipients, list) else []:
        written = recipient.get("emailAddress") if isinstance(recipient, dict) else ""
        if found := BARE.search(str(written)):
            suppressions.stop_writing(
                conn,
                runtime.settings,
                contact_hash(runtime.settings, found[0]),
                reason,
                actor="mail",
                task_id=effect["task_id"] if effect else None,
                summary=summary,
            )


def _note(conn: Connection, effect: Mapping[str, Any], event: Any, summary: str) -> None:
    if effect["task_id"] is not None:
        families.tell(conn, effect["task_id"], event, {}, actor="mail", summary=summary)


def _ask_for_another_way(
    runtime: Runtime, conn: Connection, effect: Mapping[str, Any], what: str
) -> None:
    """An offer that bounces needs nobody; a customer who waits for an answer does."""
    task = tasks.get(conn, effect["task_id"])
    mail = task.context.get("draft_mail")
    if not isinstance(mail, dict) or mail.get("commercial"):
        return
    cards.raise_alarm(
        conn,
        f"{what}:task:{task.id}",
        f"The mail of task {task.number} could not be delivered ({what}). The customer has not"
        " got it: find another way to reach them.",
        channel=runtime.settings.channel_escalations,
        task_id=task.id,
    )


def _tell_unsubscribed(runtime: Runtime, conn: Connection) -> None:
    cards.raise_alarm(
        conn,
        "sns:unsubscribed",
        "Amazon SNS has ended its subscription: bounces and complaints are not heard of any"
        " more. Subscribe /webhooks/ses to the topic again.",
        channel=runtime.settings.channel_escalations,
    )


def _effect_key(report: Mapping[str, Any]) -> str:
    tags = _part(_part(report, "mail"), "tags").get(EFFECT_TAG)
    named = tags[0] if isinstance(tags, list) and tags else ""
    return effect_key_of(named) if isinstance(named, str) else ""


def _report(message: object) -> dict[str, Any]:
    """Empty where it is none: SES greets a topic that is new with a plain sentence."""
    try:
        report = json.loads(str(message))
    except (ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _part(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    """A closed word of Amazon's, such as `Permanent`; what is not of that shape may be
    anything, and goes into no log."""
    text = str(value or "")
    return text if text.isascii() and text.isalnum() and len(text) < 40 else ""
