"""Questions: what a waiting task asks a person, and the one door by which it is answered.

A question is a document in `tasks.question`. Its `id` is its card's id and `token` is
what an answer must present: `<id>.<wait token>`. The first answer wins, from wherever
it comes; asking again (undo) makes a new token. An earlier question of the same task is
kept under `earlier`, so that its card can still be drawn.

    open -> editing -> undo -> answered        expired, cancelled
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from engine import answers, batches, cards, effects, queue, rulings, task_events, tasks, verdicts
from engine.answers import Answer
from engine.errors import AlreadyAnswered, TaskClosed
from engine.people import Person
from engine.postgres import Connection
from engine.settings import Settings
from engine.steps.contract import Asking
from engine.stored_json import stored
from engine.task_events import Event
from engine.tasks import Task

Question = dict[str, Any]
OPEN = frozenset({"open", "editing"})


def compose(
    asking: Asking,
    *,
    task: Task,
    step_key: str,
    why: str,
    agent: Mapping[str, str],
    channel: str,
    deadline: datetime | None,
    if_silent: str,
    history: str = "",
    tier: int | None = None,
    model: str | None = None,
    resolves: str = "step",
    effect_key: str | None = None,
    in_batch: bool = False,
) -> Question:
    """The document that is stored, shown on the card, and answered."""
    earlier = [*(task.question or {}).get("earlier", []), *_without_earlier(task.question)]
    return {
        "id": str(uuid.uuid4()),
        "token": str(uuid.uuid4()),
        "state": "open",
        "step": step_key,
        "visit": task.visit,
        "why": why,
        "agent": dict(agent),
        "channel": channel,
        "deadline": deadline.isoformat() if deadline else None,
        "if_silent": if_silent,
        "tier": tier,
        "model": model,
        # What the answer is for: the step's output, an effect in doubt, or a failure.
        "resolves": resolves,
        "effect_key": effect_key,
        # Shown on its campaign's card, not on one of its own.
        "in_batch": in_batch,
        "kind": asking.kind,
        "title": asking.title,
        "confidence": asking.confidence,
        "history": "\n".join(part for part in (history, asking.history) if part),
        "quoted": asking.quoted,
        "mail": dict(asking.mail) if asking.mail else None,
        "facts": [*(["Look out", note] for note in asking.notes), *map(list, asking.facts)],
        "options": [asdict(option) for option in asking.options],
        "fields": [asdict(field) for field in asking.fields],
        "into": asking.into,
        "answer": None,
        "earlier": earlier,
    }


def _without_earlier(question: Question | None) -> list[Question]:
    return [{k: v for k, v in question.items() if k != "earlier"}] if question else []


def find(question: Question | None, question_id: str) -> Question | None:
    """The question with this id, among the latest and the earlier ones."""
    for one in [question, *(question or {}).get("earlier", [])]:
        if one and one["id"] == question_id:
            return one
    return None


def token_of(question: Question) -> str:
    return f"{question['id']}.{question['token']}"


# -- answering --------------------------------------------------------------------


def answer(conn: Connection, settings: Settings, token: str, given: Answer, by: Person) -> Task:
    """Decide. First wins: AlreadyAnswered names who was first. AnswerInvalid where the
    choice or a field does not fit. The task goes on by itself."""
    by.must_act()
    task, question = _locked(conn, token)
    option = answers.chosen(question, given.choice)
    fields = answers.filled_in(question, option, given.fields)
    mail = answers.edited(settings, question["mail"], fields)
    edited = mail != question["mail"]
    decided = question | {
        "state": "answered",
        "answer": {
            "choice": given.choice,
            "label": option["label"],
            "fields": fields,
            "by": {"id": by.id, "name": by.name, "via": by.via},
            "at": tasks.now(conn).isoformat(),
            "edited": edited,
        },
        "mail": mail,
        # Taken back, the form opens with what was typed, not with what it began with.
        "fields": [
            field | {"value": fields.get(field["key"], field["value"])}
            for field in question["fields"]
        ],
    }
    undo = undo_seconds(settings, question) if option["undoable"] else 0
    if undo:
        decided["state"] = "undo"
    tasks.sql.set_question(
        conn,
        task_id=task.id,
        question=stored(decided),
        token=task.wait_token if undo else None,
        status="waiting_on_timer" if undo else "pending",
        wake_seconds=undo or None,
        deadline=None,
    )
    summary = given.choice + (" (edited)" if edited else "")
    task_events.append(
        conn,
        task.id,
        Event("human_answered", step_id=task.step_id, actor=str(by), output_summary=summary),
    )
    cards.change(conn, question["id"])
    cards.change_reminder(conn, question)
    verdicts.keep(conn, task, decided)
    _resolve(conn, task, decided, by)
    queue.wake(conn, "run_tasks")
    return tasks.get(conn, task.id)


def undo_seconds(settings: Settings, question: Question) -> int:
    return settings.batch_undo_seconds if question.get("in_batch") else settings.undo_seconds


def _resolve(conn: Connection, task: Task, question: Question, by: Person) -> None:
    """Where the answer is more than the step's output: a ruling, or what to do with a
    failure. A retry is a new visit, for what the vendor refused it would refuse again; but
    where a call of this visit went out or is in doubt it keeps its key, so that nothing
    goes out twice, and a doubt is asked about first."""
    choice = question["answer"]["choice"]
    if question["resolves"] == "effect":
        rulings.rule(conn, question["effect_key"], choice, by=str(by))
    elif question["resolves"] == "failure" and choice == "retry":
        visit = f"{task.id}.{task.visit}."
        kept = any(
            row["key"].startswith(visit) and row["state"] != "refused"
            for row in effects.sql.of_task(conn, task_id=task.id)
        )
        tasks.sql.reposition(conn, task_id=task.id, step_id=task.step_id, fresh=not kept)
    elif question["resolves"] == "failure" and choice == "fail":
        event = Event("task_failed", step_id=task.step_id, actor=str(by), output_summary=task.error)
        tasks.finish(conn, task, "failed", event, error=task.error, question=question)


def undo(conn: Connection, token: str, by: Person) -> Task:
    """Take an answer back while its seconds last, or nobody has taken the task up since (its
    agent is paused, say); the question is open again, and not about to expire."""
    by.must_act()
    task, question = _of_token(conn, token)
    if not (
        _is_latest(task, question, token)
        and question["state"] == "undo"
        and question["visit"] == task.visit
        and task.status in ("waiting_on_timer", "pending")
        and not (task.parked_for or "").startswith("settling:")
    ):
        raise AlreadyAnswered(_outcome_text(question) + "; it is too late to undo")
    wait_token = uuid.uuid4()
    reopened = question | {"state": "open", "answer": None, "token": str(wait_token)}
    tasks.sql.set_question(
        conn,
        task_id=task.id,
        question=stored(reopened),
        token=wait_token,
        status="waiting_on_human",
        wake_seconds=None,
        deadline=_deadline_again(conn, question),
    )
    verdicts.take_back(conn, question)
    task_events.append(conn, task.id, Event("answer_undone", step_id=task.step_id, actor=str(by)))
    cards.change(conn, question["id"])
    cards.change_reminder(conn, question)
    if question.get("in_batch"):
        batches.reopened(conn, reopened, edited=question["answer"].get("edited", False))
    return tasks.get(conn, task.id)


def _deadline_again(conn: Connection, question: Question) -> datetime | None:
    """Its own, but that somebody is at it right now: they have an hour."""
    if question["deadline"] is None:
        return None
    own = datetime.fromisoformat(question["deadline"])
    return max(own, tasks.now(conn) + timedelta(hours=1))


def mark_editing(conn: Connection, token: str, by: Person) -> Question:
    """Somebody has opened the form: the card says so, and anyone may still answer."""
    by.must_act()
    task, question = _locked(conn, token)
    marked = question | {
        "state": "editing",
        "editing": {"id": by.id, "name": by.name, "at": tasks.now(conn).isoformat()},
    }
    tasks.sql.set_question_text(conn, task_id=task.id, question=stored(marked))
    cards.change(conn, question["id"])
    return marked


def stop_editing(conn: Connection, token: str, user_id: str) -> bool:
    """They have put the form away, whether or not they may still answer. False where it is not
    they who are editing."""
    task, question = _locked(conn, token)
    if question["state"] != "editing" or question["editing"].get("id") != user_id:
        return False
    reopened = {k: v for k, v in question.items() if k != "editing"} | {"state": "open"}
    tasks.sql.set_question_text(conn, task_id=task.id, question=stored(reopened))
    cards.change(conn, question["id"])
    return True


def read(conn: Connection, token: str) -> tuple[Task, Question]:
    """The task and question behind a token, whatever its state. NotFound where there is
    none; for showing, not for deciding."""
    return _of_token(conn, token, lock=False)


def _locked(conn: Connection, token: str) -> tuple[Task, Question]:
    task, question = _of_token(conn, token)
    waiting = task.status in ("waiting_on_human", "escalated")
    if not (_is_latest(task, question, token) and waiting and question["state"] in OPEN):
        raise AlreadyAnswered(_outcome_text(question))
    return task, question


def _is_latest(task: Task, question: Question, token: str) -> bool:
    """Whether a token is of what the task asks now, and not of an earlier asking."""
    latest = task.question is not None and task.question["id"] == question["id"]
    return latest and token_of(question) == token


def _of_token(conn: Connection, token: str, *, lock: bool = True) -> tuple[Task, Question]:
    question_id = token.partition(".")[0]
    card = cards.get(conn, question_id)
    if card is None or card.task_id is None:
        raise TaskClosed("this question is gone; it was erased, or it is not ours")
    task = tasks.lock(conn, card.task_id) if lock else tasks.get(conn, card.task_id)
    question = find(task.question, question_id)
    if question is None:
        raise TaskClosed(f"task {task.number} is erased; its question is gone")
    return task, question


def _outcome_text(question: Question) -> str:
    given = question.get("answer")
    if given:
        return f"{given['by']['name']} answered “{given['label']}”"
    words = {"expired": "its deadline passed", "cancelled": "the task was cancelled"}
    return words.get(question["state"], "it was asked again; use the newest card")
