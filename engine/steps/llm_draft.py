"""`llm_draft`: a mail's subject and body, checked before anyone sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from engine.llm import schemas
from engine.llm.checks import draft_problems
from engine.llm.names import odd_case
from engine.steps.contract import (
    Asking,
    Done,
    Option,
    Outcome,
    StepContext,
    Uncertain,
)
from engine.steps.contract import Field as FormField
from engine.steps.fields import Key
from engine.steps.model_step import ModelConfig, ask, quoted, unsure
from engine.steps.ways import Way

# What no bigger model can mend: it is the task that lacks the name.
OURS = frozenset({"recipient_name_missing", "recipient_name_odd"})
GIVES = frozenset(
    f"draft_{part}" for part in ("subject", "body", "reason", "confidence", "tier", "model", "step")
)


class Config(ModelConfig):
    """`names` are context keys whose value the text must address; one that is missing or
    in odd case ("MIKE") makes the step uncertain. `links` may stand in the text besides
    those of the context and the company."""

    names: tuple[Key, ...] = ("customer_name",)
    links: tuple[str, ...] = ()
    longest: int = Field(default=3000, ge=100, le=10000)


def run(config: Config, ctx: StepContext) -> Outcome:
    reply = ask(config, ctx, schemas.draft())
    assert isinstance(reply, schemas.Draft)  # noqa: S101 - for the type checker
    subject, body = reply.subject.strip(), reply.body.strip()
    problems = [*_names(config, ctx), *_checked(config, ctx, subject, body)]
    if unsure(config, ctx, reply):
        problems.append("low_confidence")
    output = {
        "draft_subject": subject,
        "draft_body": body,
        "draft_reason": reply.reason,
        "draft_confidence": reply.confidence,
        "draft_tier": ctx.tier,
        "draft_model": ctx.model,
        "draft_step": ctx.step.key,
    }
    if not problems:
        return Done(output, confidence=reply.confidence)
    asking = supply(config, ctx, subject, body, problems, reply.confidence)
    return Uncertain(problems, asking, reply.confidence, final=set(problems) <= OURS)


def ways(_config: Config) -> Iterator[Way]:
    yield Way(GIVES)


def leans_on(config: Config) -> Iterator[tuple[str, str]]:
    yield from (("names", name) for name in config.names)


def supply(
    config: Config,
    ctx: StepContext,
    subject: str = "",
    body: str = "",
    problems: Sequence[str] = (),
    confidence: float | None = None,
) -> Asking:
    """The step's output model as a form: subject and text."""
    why = ", ".join(problem.replace("_", " ") for problem in problems)
    return Asking(
        title="This draft needs a person",
        kind="escalation",
        options=[
            Option("use", "Use this text", style="primary", form="edit"),
            Option("give_up", "No mail", style="danger", goto="complete"),
        ],
        fields=[
            FormField("draft_subject", "Subject", subject),
            FormField("draft_body", "Text", body, multiline=True),
        ],
        quoted=quoted(config, ctx),
        facts=[("Why a person", why)] if why else [],
        confidence=confidence,
    )


def supplied(config: Config, output: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """A person's text is nobody's draft: the record of no model speaks of it."""
    return {
        **output,
        **dict.fromkeys(("draft_confidence", "draft_tier", "draft_model", "draft_step")),
    }


def _names(config: Config, ctx: StepContext) -> list[str]:
    found = []
    for key in config.names:
        name = str(ctx.context.get(key) or "").strip()
        if not name:
            found.append("recipient_name_missing")
        elif odd_case(name):
            found.append("recipient_name_odd")
    return found


def _checked(config: Config, ctx: StepContext, subject: str, body: str) -> list[str]:
    business = ctx.business
    # Not the outside text: a stranger's link, price or number is not ours to repeat.
    known = [f"{key}: {ctx.context.get(key) or ''}" for key in config.facts]
    known += [business.name, business.phone, business.website, business.mail_from.address]
    if len(body) > config.longest:
        return ["too_long"]
    return list(
        draft_problems(
            subject,
            body,
            required_names=[str(ctx.context.get(key) or "") for key in config.names],
            context_text="\n".join(known),
            allowed_links=[business.website, *config.links],
        )
    )
