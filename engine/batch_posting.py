"""A batch's card as `card_poster` shows it: drawn from how the batch stands."""

from __future__ import annotations

from engine import agents, batch_standing, batches, tasks
from engine.attendance import attendance
from engine.card_remarks import Remarks, of_absence
from engine.cards import Card
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.slack import Block, Message, elements
from engine.slack.batch_card import batch_card
from engine.slack.text import escape, mention


def drawn(runtime: Runtime, card: Card) -> Message:
    with runtime.database.read() as conn:
        batch = batches.get(conn, card.id)
        standing = batch_standing.read(conn, batch)
        agent = agents.get(conn, tasks.get(conn, batch.task_id).agent_id)
        absent = of_absence(runtime, attendance(conn)) if standing.waiting else Remarks()
    text, blocks = batch_card(
        standing,
        url=url(runtime, card.id),
        undo_seconds=runtime.settings.batch_undo_seconds,
    )
    blocks += _for_whom(absent)
    return Message(card.channel, text, blocks, username=agent.name, icon_emoji=agent.icon)


def _for_whom(absent: Remarks) -> list[Block]:
    if not absent.notes:
        return []
    whom = " ".join(mention(user_id) for user_id in absent.addressed[:5])
    said = escape(" ".join(absent.notes), 1000)
    return [elements.context(f"{said} {whom}".rstrip())]


def url(runtime: Runtime, batch_id: object) -> str:
    return f"{runtime.settings.web_base_url.rstrip('/')}/batches/{batch_id}"


def close_if_over(conn: Connection, card: Card) -> None:
    """Once nothing on it waits any more, nobody looks at the batch again."""
    batch = batches.get(conn, card.id)
    if batch.closed_at is None and batch_standing.read(conn, batch).over:
        batches.close(conn, batch.id)
