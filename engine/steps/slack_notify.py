"""`slack_notify`: post a message and go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.effects import Effect
from engine.slack.blocks import notice
from engine.slack.posting import posting
from engine.steps.contract import Done, Outcome, StepConfig, StepContext, TemplateText

Lookup = Callable[[str, float, float], Mapping[str, Any] | None]


class Config(StepConfig):
    """`channel` is a name from the settings (leads, escalations, ops_log, …) or a
    channel; without one the agent's own. In the task's thread where it has one."""

    text: TemplateText
    channel: str | None = None
    in_thread: bool = True


def run(config: Config, ctx: StepContext) -> Outcome:
    rendered = ctx.render(config.text)
    text, blocks = notice(rendered.text)
    effect = posting(ctx, text, blocks, channel=config.channel, in_thread=config.in_thread)
    outside = posting(ctx, text, blocks, channel=config.channel, in_thread=False)
    ctx.perform(replace(effect, lookup=_either(effect, outside)))
    return Done(summary=f"missing: {', '.join(rendered.missing)}" if rendered.missing else "")


def _either(inside: Effect, outside: Effect) -> Lookup:
    """A post that was made before the task's thread was open stands outside of it; looked
    for inside alone, it would be taken for absent and made again."""

    def lookup(key: str, since: float, timeout: float) -> Mapping[str, Any] | None:
        for effect in (inside, outside):
            found = effect.lookup(key, since, timeout) if effect.lookup else None
            if found is not None:
                return found
        return None

    return lookup
