"""Doubts that dissolve: a person is asked what became of a call, and then it is known.

The vendor's own report says so, or the worker that made the call (or knows that it never
did) and was taken for dead. The open question is answered by whoever knows, in the same
transaction; a person who is too late is told who was first.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from engine import questions, tasks
from engine.answers import Answer
from engine.effects import Ruling
from engine.errors import EngineError
from engine.people import Person
from engine.postgres import Connection
from engine.settings import Settings

log = structlog.get_logger()
ENGINE = Person("engine", "The engine", "api", may_act=True)


def dissolve(
    conn: Connection,
    settings: Settings,
    task_id: UUID,
    effect_key: str,
    ruling: Ruling,
    by: Person = ENGINE,
) -> None:
    """Answer the task's question about this call, where one is open."""
    question = tasks.get(conn, task_id).question
    if question is None or question.get("effect_key") != effect_key:
        return
    if question["state"] not in questions.OPEN:
        return
    try:
        with conn.transaction():
            token = questions.token_of(question)
            questions.answer(conn, settings, token, Answer(ruling, {}), by)
    except EngineError as answered:
        log.info("doubt_was_settled_before", code=answered.code)
