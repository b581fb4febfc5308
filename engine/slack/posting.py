"""A post to Slack as an effect: in the agent's name, found again by its metadata."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.business import Business, ringing
from engine.effects import Effect
from engine.errors import Refused
from engine.slack import Block, Message, Slack

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

# Slack takes about one message a second for each channel.
CHANNEL_GAP_SECONDS = 1.0


def post_effect(
    slack: Slack,
    message: Message,
    *,
    purpose: str,
    timeout: float,
    business: Business | None,
    item: str = "",
) -> Effect:
    """The effect of posting `message`; its result is {channel, ts}. With `business` it keeps
    to that company's quiet hours. Where its thread is gone
    (somebody deleted the message that opened it) it stands in the channel by itself."""
    outside = replace(message, thread_ts=None, broadcast=False)

    def call(key: str, timeout: float) -> dict[str, Any]:
        try:
            return asdict(slack.post(message, effect_key=key, timeout=timeout))
        except Refused as refused:
            # Slack took nothing, so this is still the first post.
            if message.thread_ts is None or refused.detail != "thread_not_found":
                raise
            return asdict(slack.post(outside, effect_key=key, timeout=timeout))

    def lookup(key: str, since: float, timeout: float) -> dict[str, Any] | None:
        """In the thread, and outside of it: there it stands where the thread was gone, or not
        yet open. Looked for inside alone, it would be taken for absent and made again."""
        for thread_ts in dict.fromkeys((message.thread_ts, None)):
            found = slack.find(message.channel, thread_ts, key, since - 60, timeout=timeout)
            if found is not None:
                return asdict(found)
        return None

    return Effect(
        "slack",
        purpose,
        call,
        timeout,
        lookup=lookup,
        prepare=slack.prepare,
        item=item,
        rate_key=message.channel,
        rate_gap=CHANNEL_GAP_SECONDS,
        # A reply in a thread rings nobody.
        calendar=partial(ringing, business) if business and rings(message) else None,
    )


def rings(message: Message) -> bool:
    return message.thread_ts is None or message.broadcast


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
    business = ctx.business if ctx.settings.calendar_is_kept else None
    return post_effect(ctx.slack, message, purpose="notify", timeout=timeout, business=business)
