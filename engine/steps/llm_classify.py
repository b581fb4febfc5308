"""`llm_classify`: which of the labels a text is, and where to go on for it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator

from engine.llm.schemas import Label, classification
from engine.steps.contract import (
    Asking,
    Done,
    Goto,
    Option,
    Outcome,
    StepContext,
    Uncertain,
)
from engine.steps.model_step import ModelConfig, ask, quoted, unsure
from engine.steps.ways import Way


class Config(ModelConfig):
    """`labels` with what each means. `branches` says for a label where to go on (without
    one, on_success). `ask_below` puts a label below that confidence to a person at once:
    for labels whose mistakes nobody would notice."""

    labels: dict[Label, str] = Field(min_length=2, max_length=20)
    branches: dict[str, str] = Field(default_factory=dict)
    ask_below: dict[str, float] = Field(default_factory=dict)
    into: str = "category"

    @model_validator(mode="after")
    def _known(self) -> Config:
        for name in ("branches", "ask_below"):
            unknown = set(getattr(self, name)) - set(self.labels)
            if unknown:
                raise ValueError(f"{name} names {sorted(unknown)[0]!r}, which is not a label")
        return self


def run(config: Config, ctx: StepContext) -> Outcome:
    meanings = "\n".join(f"- {label}: {meaning}" for label, meaning in config.labels.items())
    wanted = config.model_copy(update={"prompt": f"{config.prompt}\n\nCategories:\n{meanings}"})
    reply = ask(wanted, ctx, classification(tuple(config.labels)))
    label: str = getattr(reply, "category")  # noqa: B009 - the field is made per config
    if unsure(config, ctx, reply):
        return _uncertain(config, ctx, "low_confidence", label, reply.confidence, final=False)
    if reply.confidence < config.ask_below.get(label, 0):
        return _uncertain(config, ctx, "below_ask_below", label, reply.confidence, final=True)
    output = {config.into: label, f"draft_{config.into}_reason": reply.reason}
    return _go(config, label, output, reply.confidence)


def _go(config: Config, label: str, output: dict[str, str], confidence: float) -> Outcome:
    target = config.branches.get(label)
    if target is None:
        return Done(output, confidence=confidence, summary=label)
    return Goto(target, output, confidence=confidence, summary=label)


def ways(config: Config) -> Iterator[Way]:
    """Also to on_success where every label has a branch: "not spam" goes on there."""
    gives = frozenset({config.into, f"draft_{config.into}_reason"})
    yield Way(gives)
    yield from (Way(gives, target) for target in config.branches.values())


def _uncertain(
    config: Config, ctx: StepContext, reason: str, label: str, confidence: float, *, final: bool
) -> Uncertain:
    return Uncertain([reason], supply(config, ctx, label, confidence), confidence, final=final)


def supply(
    config: Config, ctx: StepContext, guess: str = "", confidence: float | None = None
) -> Asking:
    """The step's output model as a question: the labels are the buttons."""
    options = [
        Option(label, label.replace("_", " ").capitalize(), goto=config.branches.get(label),
               style="primary" if label == guess else None)
        for label in config.labels
    ]  # fmt: skip
    return Asking(
        title="What is this?",
        options=options,
        into=config.into,
        quoted=quoted(config, ctx),
        facts=[("The model's guess", guess.replace("_", " "))] if guess else [],
        confidence=confidence,
    )
