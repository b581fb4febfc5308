"""The inbox: every question that waits for a person, oldest deadline first, and every
answer that can still be taken back. The web and Slack's home tab show the same one."""

from __future__ import annotations

from dataclasses import dataclass

from engine import tasks
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.questions import Question, token_of
from engine.tasks import Task

sql = queries("inbox")

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question with the task that asks it."""

    task: Task
    question: Question
    sop_name: str

    @property
    def token(self) -> str:
        return token_of(self.question)

    @property
    def customer(self) -> str:
        return str(self.task.context.get("customer_name") or "").strip()


def waiting(conn: Connection, *, limit: int = SHOWN) -> list[Waiting]:
    """Open questions, oldest deadline first."""
    return [_waiting(row) for row in sql.open(conn, limit=limit)]


def undoable(conn: Connection) -> list[Waiting]:
    """Answers that are about to be carried out, the next one first."""
    return [_waiting(row) for row in sql.undoable(conn)]


def count(conn: Connection) -> int:
    return sql.count(conn)


def _waiting(row: dict[str, object]) -> Waiting:
    sop_name = str(row.pop("sop_name"))
    task = tasks.of_row(row)  # type: ignore[arg-type]
    return Waiting(task, task.question or {}, sop_name)
