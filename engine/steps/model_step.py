"""What the four model steps share: how they are configured and when they are unsure."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.llm.schemas import Output
from engine.steps import expressions
from engine.steps.contract import StepConfig, StepContext
from engine.steps.fields import PartKey, TemplateText


class ModelConfig(StepConfig):
    """`prompt` is what the model is asked to do. `facts` are context keys that we vouch
    for; `outside` are keys whose text somebody else wrote, which stands in a marked
    block. Below `threshold` (0.7 by setting) the result is uncertain."""

    prompt: TemplateText
    facts: tuple[PartKey, ...] = ()
    outside: tuple[PartKey, ...] = ("email_subject", "email_text")
    threshold: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _outside_stays_outside(self) -> ModelConfig:
        inside = sorted(expressions.names_in(self.prompt) & set(self.outside))
        if inside:
            raise ValueError(
                f"the prompt fills in {inside[0]}, which somebody else wrote; it stands in its"
                " own marked block already, so take it out of the prompt"
            )
        return self


def ask(config: ModelConfig, ctx: StepContext, model: type[Output]) -> Output:
    prompt = ctx.render(config.prompt).text
    return ctx.ask_model(prompt, model, facts=config.facts, outside=config.outside)


def unsure(config: ModelConfig, ctx: StepContext, reply: Output) -> bool:
    threshold = config.threshold
    if threshold is None:
        threshold = ctx.settings.confidence_threshold
    return reply.confidence < threshold


def quoted(config: ModelConfig, ctx: StepContext) -> str:
    """The outside text, for the person who is asked."""
    texts = [str(ctx.context[key]) for key in config.outside if ctx.context.get(key)]
    return "\n\n".join(texts)
