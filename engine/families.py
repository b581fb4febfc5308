"""Families: the tasks that follow from each other about one customer.

A reply, a bounce or an opt-out concerns more than the task whose mail it answers: the
follow-up that this one has started must know of it too. What became known stands in the
context of each that is not erased (`customer_replied: true`, …), where conditions find it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import cards, queue, task_events, tasks
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.stored_json import stored
from engine.task_events import Event, EventType
from engine.tasks import FINISHED, Task

sql = queries("families")
SENDS = ("edit", "reply")
# What a customer has done about our mails: it concerns whatever follows, named or not.
HEARD = ("customer_replied", "customer_opted_out", "customer_complained", "customer_bounced")


def members(conn: Connection, task_id: UUID) -> list[Task]:
    """The task's family, locked until the transaction ends. Asked twice: whoever was waited
    for may have started one more, which the first look does not see."""
    sql.members(conn, task_id=task_id)
    return [tasks.of_row(row) for row in sql.members(conn, task_id=task_id)]


def tell(
    conn: Connection,
    task_id: UUID,
    event_type: EventType,
    known: dict[str, bool],
    *,
    actor: str,
    summary: str = "",
    warning: str = "",
) -> Task:
    """Append the event to this task and to those of its family that are not at their end,
    and let them know. `warning` goes onto the cards whose mail has not been decided on.
    Returns the task."""
    event = Event(event_type, actor=actor, output_summary=summary or None)
    family = {task.id: task for task in members(conn, task_id)}
    for task in family.values():
        if task.id != task_id and task.status in FINISHED:
            continue
        task_events.append(conn, task.id, event)
        sql.tell(conn, task_id=task.id, known=stored(known))
        if warning and task.status == "waiting_on_human":
            _warn(conn, task, warning)
        if "customer_replied" in known and sql.wake_waiting(conn, task_id=task.id):
            queue.wake(conn, "run_tasks")
    return family[task_id]


def heard(conn: Connection, task_id: UUID) -> dict[str, Any]:
    """What the customer has done, as it is known at this moment; a run knows only what was
    known when it was claimed."""
    context = tasks.get(conn, task_id).context
    return {key: context[key] for key in HEARD if key in context}


def end_wait(conn: Connection, task_id: UUID) -> None:
    """In the transaction in which a wait begins: a reply that came before that ends it."""
    replied = heard(conn, task_id).get("customer_replied")
    if replied and sql.wake_waiting(conn, task_id=task_id):
        queue.wake(conn, "run_tasks")


def _warn(conn: Connection, task: Task, warning: str) -> None:
    """Somebody is about to approve a mail that was drafted without knowing this."""
    question: dict[str, Any] | None = task.question
    if question is None or not question["mail"] or question["state"] not in ("open", "editing"):
        return
    options = [
        option | {"confirm": f"{warning} Send it all the same?"} if _sends(option) else option
        for option in question["options"]
    ]
    facts = [["Look out", warning], *question["facts"]]
    told = question | {"options": options, "facts": facts}
    tasks.sql.set_question_text(conn, task_id=task.id, question=stored(told))
    cards.change(conn, question["id"])


def _sends(option: dict[str, Any]) -> bool:
    return bool(option["undoable"] or option["form"] in SENDS)
