"""`slack_notify`: post a message and go on."""

from __future__ import annotations

from engine.slack.blocks import notice
from engine.slack.posting import posting
from engine.steps.contract import Done, Outcome, StepConfig, StepContext
from engine.steps.fields import TemplateText


class Config(StepConfig):
    """`channel` is a name from the settings (leads, escalations, ops_log, …) or a
    channel; without one the agent's own. In the task's thread where it has one."""

    text: TemplateText
    channel: str | None = None
    in_thread: bool = True


def run(config: Config, ctx: StepContext) -> Outcome:
    rendered = ctx.render(config.text)
    text, blocks = notice(rendered.text)
    ctx.perform(posting(ctx, text, blocks, channel=config.channel, in_thread=config.in_thread))
    return Done(summary=f"missing: {', '.join(rendered.missing)}" if rendered.missing else "")
