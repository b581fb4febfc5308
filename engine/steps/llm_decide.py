"""`llm_decide`: which of a few ways to go on."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from engine.llm.schemas import Label, decision
from engine.steps.contract import (
    Asking,
    Done,
    Goto,
    Option,
    Outcome,
    StepConfig,
    StepContext,
    Uncertain,
)
from engine.steps.model_step import ModelConfig, ask, quoted, unsure
from engine.steps.ways import Way


class Choice(StepConfig):
    """What a decision means, and where it leads (without `goto`, on_success)."""

    means: str
    goto: str | None = None


class Config(ModelConfig):
    choices: dict[Label, Choice] = Field(min_length=2, max_length=10)
    into: str = "decision"


def run(config: Config, ctx: StepContext) -> Outcome:
    meanings = "\n".join(f"- {name}: {choice.means}" for name, choice in config.choices.items())
    wanted = config.model_copy(update={"prompt": f"{config.prompt}\n\nDecide for one:\n{meanings}"})
    reply = ask(wanted, ctx, decision(tuple(config.choices)))
    chosen: str = getattr(reply, "decision")  # noqa: B009 - the field is made per config
    if unsure(config, ctx, reply):
        asking = supply(config, ctx, chosen, reply.confidence)
        return Uncertain(["low_confidence"], asking, reply.confidence)
    output = {config.into: chosen, f"draft_{config.into}_reason": reply.reason}
    target = config.choices[chosen].goto
    if target is None:
        return Done(output, confidence=reply.confidence, summary=chosen)
    return Goto(target, output, confidence=reply.confidence, summary=chosen)


def ways(config: Config) -> Iterator[Way]:
    gives = frozenset({config.into, f"draft_{config.into}_reason"})
    yield from (Way(gives, choice.goto) for choice in config.choices.values())


def supply(
    config: Config, ctx: StepContext, guess: str = "", confidence: float | None = None
) -> Asking:
    """The step's output model as a question: the choices are the buttons."""
    return Asking(
        title=ctx.step.name,
        options=[
            Option(name, name.replace("_", " ").capitalize(), goto=choice.goto,
                   style="primary" if name == guess else None)
            for name, choice in config.choices.items()
        ],
        into=config.into,
        quoted=quoted(config, ctx),
        facts=[("The model's guess", guess.replace("_", " "))] if guess else [],
        confidence=confidence,
    )  # fmt: skip
