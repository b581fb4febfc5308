"""When sending needs a second yes: the office has written to the customer by hand, the
customer has replied or opted out, and whoever approves the mail may not know.

Looked at before a card asks, and once more right before the mail goes out; what turned
up in between is asked about. Both `slack_ask_human` and `api_call` do so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.mail import sent_folder
from engine.mail.sending import answers
from engine.moments import day
from engine.steps.contract import Ask, Asking, Option, StepContext

if TYPE_CHECKING:
    from engine.suppressions import Suppressed

SUPPRESSED = (
    "They are not to be written to any more ({}): the mail would be refused. Use the phone, or"
    " answer from your own mailbox."
)
ANSWERED = (
    "They opted out of marketing on {}, and have written since: this answer may go out. Offer"
    " nothing that they did not ask for."
)
STOPPED = (
    "They ask for no more mail, and nothing more goes to them; only your own answer to this mail"
    " may go out. Offer nothing in it."
)
REPLIED = "The customer has replied since this was approved."
UNREAD: tuple[str, str] = (
    "Sent folder",
    "could not be read: nobody looked whether they were written to by hand",
)


def before_asking(
    ctx: StepContext, mail: Mapping[str, Any], options: Sequence[Option]
) -> tuple[dict[str, Any], list[Option], list[str], list[tuple[str, str]]]:
    """The mail with what is known by now, its options with what must be confirmed, what to
    look out for, and facts."""
    letters, notes = ctx.correspondence, []
    to = str(mail["to"])
    stopped = letters.suppressed(to) if to else None
    if stopped is not None:
        notes.append(_told_of(ctx, stopped, mail))
    written = letters.written_by_hand(to)
    known = written.at.isoformat() if written.at else ""
    if written.at is not None:
        note = sent_folder.told(written.at, ctx.business.zone)
        notes.append(note)
        options = [_confirmed(option, note) for option in options]
    facts = [UNREAD] if written.unknown else []
    return dict(mail) | {"already_written": known}, list(options), notes, facts


def _told_of(ctx: StepContext, stopped: Suppressed, mail: Mapping[str, Any]) -> str:
    """An answer to what they have written since they opted out may go; nothing else may."""
    since = stopped.created_at
    asked = answers(ctx, str(mail["to"])) and since <= ctx.task.created_at
    if asked and stopped.by_choice and not mail.get("commercial"):
        if since == ctx.task.created_at:
            return STOPPED
        return ANSWERED.format(day(since, ctx.business.zone))
    return SUPPRESSED.format(stopped.reason.replace("_", " "))


def _confirmed(option: Option, note: str) -> Option:
    sends = option.undoable or option.form in ("edit", "reply")
    return replace(option, confirm=f"{note} Send all the same?") if sends else option


def before_sending(
    ctx: StepContext, mail: Mapping[str, Any], *, otherwise: str, unsure: str = ""
) -> Ask | None:
    """A question where something has turned up since the mail was approved, or where what it
    rests on cannot be told any more (`unsure` says what)."""
    known = str(mail.get("already_written") or "")
    written = ctx.correspondence.written_by_hand(str(mail["to"]), known)
    replied = bool(mail.get("commercial")) and not mail.get("reply_known")
    replied = replied and ctx.correspondence.has_replied()
    unsure = "" if mail.get("unsure_known") else unsure
    if written.at is None and not replied and not unsure:
        return None
    notes = [sent_folder.told(written.at, ctx.business.zone)] if written.at else []
    notes += [REPLIED] if replied else []
    notes += [unsure] if unsure else []
    return Ask(
        Asking(
            title="Send this all the same?",
            options=[
                # The step begins anew, with what is known now.
                Option("send", "Send all the same", goto=ctx.step.key, confirm="They get both."),
                Option("drop", "Don't send", style="danger", goto=otherwise),
            ],
            mail={
                **mail,
                "from": f"{ctx.business.mail_from.name} <{ctx.business.mail_from.address}>",
                "body": mail["text"],
                "footer": "",
                "already_written": written.at.isoformat() if written.at else known,
                "unsure_known": bool(unsure or mail.get("unsure_known")),
                "reply_known": replied or bool(mail.get("reply_known")),
            },
            notes=notes,
        )
    )
