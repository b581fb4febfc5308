"""A card that was lost is posted again: its message was deleted, its channel is gone, or it
stands where nobody looks any more.

The verb behind the button on a task's page and `bin/engine task card`. What is still there
of the old message is taken away by `card_poster.py`, so that no two cards ask the same.
"""

from __future__ import annotations

from engine import cards, queue, task_events, tasks
from engine.card_poster import CHANNEL_GONE
from engine.cards import Card
from engine.errors import TaskClosed
from engine.people import Person
from engine.postgres import Connection
from engine.settings import Settings
from engine.task_events import Event
from engine.tasks import Task


def of_task(conn: Connection, task: Task) -> Card | None:
    """The card of what the task asks now, or asked last."""
    return cards.get(conn, task.question["id"]) if task.question else None


def post_again(conn: Connection, settings: Settings, number: int, by: Person) -> Card:
    """Have the card of this task posted once more; where its channel is gone, in the
    escalations channel. TaskClosed where the task has none."""
    by.must_act()
    task = tasks.lock(conn, tasks.get_by_number(conn, number).id)
    card = of_task(conn, task)
    if card is None:
        raise TaskClosed(f"task {number} asks nothing, so it has no card")
    gone = card.error in CHANNEL_GONE and card.channel != settings.channel_escalations
    row = cards.sql.post_again(
        conn, card_id=card.id, channel=settings.channel_escalations if gone else None
    )
    if card.ts is not None and card.ts == task.slack_thread_ts:
        # The message that opened the thread: the new one opens another.
        tasks.sql.close_thread(conn, task_id=task.id)
    event = Event("card_posted", step_id=task.step_id, actor=str(by), output_summary=row["channel"])
    task_events.append(conn, task.id, event)
    queue.wake(conn, "show_cards")
    return cards.of_row(row)
