"""A post to Slack as an effect: in the agent's name, found again by its metadata."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.effects import Effect
from engine.slack import Block, Message, Posted, Slack

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

# Slack takes about one message a second for each channel.
CHANNEL_GAP_SECONDS = 1.0


def post_effect(
    slack: Slack, message: Message, *, purpose: str, timeout: float, item: str = ""
) -> Effect:
    """The effect of posting `message`; its result is {channel, ts}."""

    def call(key: str, timeout: float) -> dict[str, Any]:
        return asdict(slack.post(message, effect_key=key, timeout=timeout))

    def lookup(key: str, since: float, timeout: float) -> dict[str, Any] | None:
        found: Posted | None = slack.find(
            message.channel, message.thread_ts, key, since - 60, timeout=timeout
        )
        return asdict(found) if found else None

    return Effect(
        "slack",
        purpose,
        call,
        timeout,
        lookup=lookup,
        item=item,
        rate_key=message.channel,
        rate_gap=CHANNEL_GAP_SECONDS,
    )


def posting(
    ctx: StepContext, text: str, blocks: list[Block], *, channel: str | None, in_thread: bool
) -> Effect:
    """The effect of a step's post, in the task's thread where that is in this channel."""
    task = ctx.task
    wanted = ctx.channel(channel)
    thread = task.slack_thread_ts if in_thread and channel is None else None
    message = Message(
        channel=task.slack_channel or wanted if thread else wanted,
        text=text,
        blocks=blocks,
        thread_ts=thread,
        username=ctx.agent.name,
        icon_emoji=ctx.agent.icon,
    )
    timeout = ctx.settings.slack_timeout_seconds
    return post_effect(ctx.slack, message, purpose="notify", timeout=timeout)
