"""One agent hands work to another: told where both can see it.

A task that starts one of another agent's procedures posts it, in the channel that both share
or else in the log of all agents. The card is drawn from the two tasks (`card_drawing.py`).
"""

from __future__ import annotations

from engine import agents, cards, queue, sops, tasks
from engine.cards import Card
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.slack import Message
from engine.slack.blocks import notice
from engine.tasks import Task


def tell(runtime: Runtime, conn: Connection, parent: Task, child: Task, count: int = 1) -> None:
    """In the transaction that starts the child; nothing where its agent is the same."""
    if child.agent_id == parent.agent_id:
        return
    channels = {
        runtime.settings.channel(agents.get(conn, one.agent_id).slack_channel or "ops_log")
        for one in (parent, child)
    }
    where = channels.pop() if len(channels) == 1 else runtime.settings.channel_ops_log
    cards.sql.open_handoff(conn, task_id=child.id, channel=where, count=count)
    queue.wake(conn, "show_cards")


def drawn(runtime: Runtime, card: Card) -> Message:
    with runtime.database.read() as conn:
        child = tasks.get(conn, card.task_id)  # type: ignore[arg-type]
        parent = tasks.get(conn, child.parent_id)  # type: ignore[arg-type]
        giver, taker = agents.get(conn, parent.agent_id), agents.get(conn, child.agent_id)
        sop = sops.get(conn, child.sop_id)
    many = f", {card.count} tasks" if card.count > 1 else ""
    url = f"{runtime.settings.web_base_url.rstrip('/')}/tasks/{child.number}"
    text, blocks = notice(
        f"{giver.name} hands over to {taker.name}: {sop.name}{many} (from task {parent.number})",
        more=(url, f"Task {child.number}"),
    )
    return Message(card.channel, text, blocks, username=giver.name, icon_emoji=giver.icon)
