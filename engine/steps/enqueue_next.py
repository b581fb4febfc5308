"""`enqueue_next`: start another SOP, now or later, as a child that is not waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.business import next_business_moment
from engine.moments import sent_at
from engine.steps.contract import Outcome, StartTask, StepConfig, StepContext
from engine.steps.fields import Duration, PartKey
from engine.steps.ways import Names, carried

# When the matter began: the customer's mail, the form, or the first task of all.
BEGAN = "began_at"
# A mailbox that is read for the first time holds older mails.
OLDEST_MAIL = timedelta(days=30)


class Config(StepConfig):
    """`keys` are the context keys that the child begins with; what the customer has done by
    then it knows anyway."""

    sop: str
    keys: tuple[PartKey, ...] = ()
    after: Duration = timedelta(0)
    business_hours: bool = False


def calls_out(_config: Config) -> bool:
    return False


def run(config: Config, ctx: StepContext) -> Outcome:
    at = ctx.now() + config.after if config.after or config.business_hours else None
    if at is not None and config.business_hours:
        at = next_business_moment(ctx.business, at, timedelta(0))
    context: dict[str, Any] = {BEGAN: _began(ctx)}
    context |= {key: ctx.context[key] for key in config.keys if key in ctx.context}
    return StartTask(sop=config.sop, context=context, at=at)


def hands_on(config: Config, known: Names) -> tuple[str, Names]:
    return config.sop, carried(config.keys, known) | {BEGAN}


def _began(ctx: StepContext) -> str:
    """Handed on from task to task. By the office's clock, for a CRM may know the day alone."""
    known = ctx.context.get(BEGAN)
    if known:
        return str(known)
    sent = sent_at(ctx.context.get("email_sent_at"), ctx.task.created_at, OLDEST_MAIL)
    return sent.astimezone(ctx.business.zone).isoformat()
