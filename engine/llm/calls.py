"""One validated object from the model, with every call recorded before it is looked at.

A finished reply is stored in the task's context before it is used, so that a worker
that dies does not pay for it twice. An invalid reply is asked for once more with what
was wrong; a second one, or a second silence, raises ReplyInvalid and the executor goes
up a tier.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine import failpoints, positions, rate_limits
from engine.business import introduction
from engine.errors import Ambiguous, RateLimited, ReplyInvalid
from engine.llm import Prompt, Reply
from engine.llm.prompts import assemble, with_correction
from engine.llm.schemas import validated, wire_schema
from engine.steps.contract import Object
from engine.task_events import Event

if TYPE_CHECKING:
    from engine.step_run import Context

CALLS_PER_TIER = 2
KEPT = "draft_replies"


def ask_model(
    ctx: Context,
    prompt: str,
    model: type[Object],
    *,
    facts: Sequence[str],
    outside: Sequence[str],
) -> Object:
    question = _assembled(ctx, prompt, model, facts, outside)
    problem = ""
    for n in range(CALLS_PER_TIER):
        kept = _kept(ctx)
        if n < len(kept):
            text, stop = kept[n]
        else:
            answered = _call(ctx, with_correction(question, problem) if problem else question)
            if answered is None:
                problem, text, stop = "", "", "timeout"
                continue
            text, stop = answered
        try:
            if stop != "end_turn":
                raise ReplyInvalid(stop)
            return validated(model, text)
        except ReplyInvalid as error:
            problem = error.detail
    raise ReplyInvalid(problem or "timeout")


def _assembled(
    ctx: Context,
    prompt: str,
    model: type[Object],
    facts: Sequence[str],
    outside: Sequence[str],
) -> Prompt:
    sop = ctx.run.procedure.sop
    return assemble(
        agent_name=ctx.agent.name,
        agent_description=ctx.agent.description,
        sop_name=sop.name,
        sop_description=sop.description,
        prompt=prompt,
        facts={key: str(ctx.context[key]) for key in facts if ctx.context.get(key)},
        memories=[],
        outside={key: str(ctx.context[key]) for key in outside if ctx.context.get(key)},
        schema=wire_schema(model),
        company=introduction(ctx.business),
    )


def _kept(ctx: Context) -> list[list[str]]:
    """What the model has said already in this visit at this tier: [text, stop] each."""
    kept: dict[str, Any] = ctx.context.get(KEPT) or {}
    same = kept.get("visit") == ctx.task.visit and kept.get("tier") == ctx.tier
    return kept["replies"] if same else []


def _call(ctx: Context, question: Prompt) -> tuple[str, str] | None:
    """Ask once and store the reply; None where no answer came in time."""
    tier = ctx.runtime.tiers[ctx.tier]
    with ctx.runtime.database.read() as conn:
        wait = rate_limits.wait_for(conn, "claude", tier.model)
    if wait > 0:
        raise RateLimited("claude", "waiting", retry_after=wait)
    timeout = ctx.timeout(ctx.settings.llm_timeout_seconds)
    began = time.monotonic()
    failpoints.reach("call:claude:reply:before")
    try:
        with ctx.run.away():
            reply = ctx.runtime.llm.reply(
                question, model=tier.model, max_tokens=ctx.settings.llm_max_tokens, timeout=timeout
            )
    except RateLimited as error:
        with ctx.runtime.database.statement("push_rate_limit") as conn:
            rate_limits.push(conn, "claude", tier.model, error.retry_after)
        raise
    except Ambiguous as error:
        _store(ctx, Event("llm_failed", output_summary=error.detail, **_facts(ctx, began)), None)
        return None
    failpoints.reach("call:claude:reply:after")
    cost = tier.cost_usd(reply.usage)
    event = Event(
        "llm_called",
        model=reply.model,
        tokens_in=reply.usage.tokens_in + reply.usage.tokens_cache_written,
        tokens_out=reply.usage.tokens_out,
        tokens_cached=reply.usage.tokens_cached,
        cost_usd=cost,
        output_summary=f"{reply.stop} {reply.request_id}".strip(),
        **_facts(ctx, began),
    )
    _store(ctx, event, reply)
    return reply.text, reply.stop


def _facts(ctx: Context, began: float) -> dict[str, Any]:
    return {
        "step_id": ctx.step.id,
        "attempt": ctx.task.attempt,
        "tier": ctx.tier,
        "duration_ms": round((time.monotonic() - began) * 1000),
    }


def _store(ctx: Context, event: Event, reply: Reply | None) -> None:
    output: dict[str, Any] = {}
    if reply is not None:
        replies = [*_kept(ctx), [reply.text, reply.stop]]
        output = {KEPT: {"visit": ctx.task.visit, "tier": ctx.tier, "replies": replies}}
    with ctx.runtime.database.statement("keep_reply") as conn:
        positions.keep_reply(conn, ctx.task, output, event)
    ctx.run.task.context.update(output)
