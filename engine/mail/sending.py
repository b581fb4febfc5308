"""Sending an approved mail as an effect.

SES has no idempotency and cannot be asked whether it took a mail. Where a configuration
set reports SEND events, an open intent waits for its event (which settles the effect by
its tag, see `rulings.confirm_sent`); otherwise a person must say.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.business import customer_mail
from engine.effects import Effect
from engine.mail import Mailer, OutgoingMail

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

# How long a SEND event may take to arrive before a person is asked.
EVENT_WAIT_SECONDS = 600.0


def answers(ctx: StepContext, to: str) -> bool:
    """Whether a mail to this address answers what began the task: a message of theirs. An
    address that somebody typed in, or a record holds, is no proof that they wrote."""
    wrote = ctx.context.get("email_text") or ctx.context.get("email_message_id")
    came_from = ctx.context.get("email_answer_to", ctx.context.get("customer_email"))
    return bool(wrote) and str(came_from or "").casefold() == to.casefold() != ""


def send_effect(ctx: StepContext, mail: Mapping[str, Any]) -> Effect:
    """The effect of sending `draft_mail`; its result is {message_id}."""
    settings = ctx.settings
    outgoing = OutgoingMail(
        to=mail["to"],
        to_name=mail.get("to_name") or "",
        subject=mail["subject"],
        text=mail["text"],
        reply_to=ctx.correspondence.reply_address(),
        in_reply_to=str(ctx.context.get("email_message_id") or ""),
        references=tuple(ctx.context.get("email_references") or ()),
        unsubscribe_url=mail.get("unsubscribe_url") or "",
        commercial=bool(mail.get("commercial")),
    )
    mailer: Mailer = ctx.mailer

    def call(key: str, timeout: float) -> dict[str, str]:
        return {"message_id": mailer.send(outgoing, effect_key=key, timeout=timeout)}

    return Effect(
        "mail",
        "send",
        call,
        settings.mail_timeout_seconds,
        lookup=None,
        prepare=mailer.prepare,
        settle_seconds=EVENT_WAIT_SECONDS if settings.ses_configuration_set else 0.0,
        rate_gap=1 / settings.ses_sends_per_second if settings.ses_sends_per_second else 0.0,
        contact=outgoing.to,
        marketing=outgoing.commercial,
        answers=answers(ctx, outgoing.to),
        calendar=partial(customer_mail, ctx.business) if settings.calendar_is_kept else None,
    )
