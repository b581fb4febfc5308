"""`llm_analyze`: named findings from a text, each of a stated type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from engine import form_values
from engine.llm.schemas import Analysis, Finding, Output, analysis
from engine.steps.contract import Asking, Done, Option, Outcome, StepContext, Uncertain
from engine.steps.contract import Field as FormField
from engine.steps.fields import PersonalKey
from engine.steps.model_step import ModelConfig, ask, quoted, unsure
from engine.steps.ways import Way, with_fields


class Config(ModelConfig):
    """`findings` say what to look for. They are put into the context as one object under
    `into`; with `spread` each also under `<into>_<name>`."""

    findings: tuple[Finding, ...] = Field(min_length=1, max_length=20)
    into: PersonalKey = "draft_findings"
    spread: bool = False


def run(config: Config, ctx: StepContext) -> Outcome:
    reply = ask(config, ctx, analysis(config.findings))
    found = _found(reply)
    if unsure(config, ctx, reply):
        return Uncertain(
            ["low_confidence"], supply(config, ctx, found, reply.confidence), reply.confidence
        )
    output = _output(config, found) | {f"{config.into}_reason": reply.reason}
    return Done(output, confidence=reply.confidence)


def _found(reply: Output) -> dict[str, Any]:
    assert isinstance(reply, Analysis)  # noqa: S101 - for the type checker
    findings: Any = reply.findings
    return findings if isinstance(findings, dict) else findings.model_dump(mode="json")


def supply(
    config: Config,
    ctx: StepContext,
    found: Mapping[str, Any] | None = None,
    confidence: float | None = None,
) -> Asking:
    """The step's output model as a form, with what was found filled in."""
    return Asking(
        title=ctx.step.name,
        kind="escalation",
        options=[Option("supply", "Fill in", style="primary", form="edit")],
        fields=[
            FormField(
                _key(config, finding),
                finding.description or finding.name,
                form_values.write((found or {}).get(finding.name)),
                optional=finding.type in ("text", "number", "list"),
                type=finding.type,
                labels=finding.labels,
            )
            for finding in config.findings
        ],
        quoted=quoted(config, ctx),
        confidence=confidence,
    )


def ways(config: Config) -> Iterator[Way]:
    found = with_fields(config.into, (finding.name for finding in config.findings))
    spread = (_key(config, finding) for finding in config.findings if config.spread)
    yield Way(found | {f"{config.into}_reason", *spread})


def supplied(config: Config, output: Mapping[str, Any]) -> dict[str, Any]:
    """What a person filled in, in the shape of what a model finds."""
    found = {finding.name: output[_key(config, finding)] for finding in config.findings}
    return _output(config, found)


def _output(config: Config, found: Mapping[str, Any]) -> dict[str, Any]:
    output: dict[str, Any] = {config.into: found}
    if config.spread:
        output |= {_key(config, finding): found[finding.name] for finding in config.findings}
    return output


def _key(config: Config, finding: Finding) -> str:
    return f"{config.into}_{finding.name}"
