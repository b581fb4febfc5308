"""Answering a batch: approve what was frozen, strike some out, take it back.

Each answer goes through the one door, `questions.answer`, in one transaction for all.
What changed since the card was shown, or is being edited, is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engine import batch_standing, batches, questions, task_events
from engine.answers import Answer
from engine.batch_outliers import approval_of, refusal_of
from engine.batches import Batch, Draft
from engine.errors import AlreadyAnswered, AnswerInvalid
from engine.people import Person
from engine.postgres import Connection
from engine.refusals import STRUCK_OUT
from engine.settings import Settings
from engine.task_events import Event

AS_DRAFTED = batch_standing.VERDICTS[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """How many drafts were answered, and how many were left."""

    done: int
    left: int


def act(conn: Connection, settings: Settings, batch_id: str, verb: str, by: Person) -> Answered:
    """What a button of the card says. Raises AnswerInvalid where it is none of ours."""
    batch = batches.get(conn, batch_id)
    if verb == "approve_all":
        return approve_all(conn, settings, batch.id, by)
    if verb == "undo":
        return undo(conn, batch.id, by)
    raise AnswerInvalid(f"{verb!r} is nothing that a batch can be asked")


def approve_all(conn: Connection, settings: Settings, batch_id: UUID, by: Person) -> Answered:
    """Send every draft that stands on the card as it was frozen and is no outlier.
    Raises AlreadyAnswered where there is none left."""
    batch = _locked(conn, batch_id, by)
    wanted = [d for d in batches.drafts(conn, batch.id) if d.position is not None]
    done = sum(_approved(conn, settings, draft, by) for draft in wanted)
    if not done:
        raise AlreadyAnswered("there is nothing left on this card to approve together")
    return _noted(conn, batch, by, done, f"approved {done} of {len(wanted)}")


def strike_out(conn: Connection, settings: Settings, token: str, by: Person) -> None:
    """Refuse one draft, by its question's token; nothing of it is sent."""
    _, question = questions.read(conn, token)
    choice = refusal_of(question)
    if choice is None:
        raise AnswerInvalid("this draft has no answer that strikes it out")
    questions.answer(conn, settings, token, Answer(choice, {"reason": STRUCK_OUT}), by)


def undo(conn: Connection, batch_id: UUID, by: Person) -> Answered:
    """Take back every draft that was sent as it is and whose seconds are not over. What was
    edited or struck out was looked at by itself, and stays."""
    batch = _locked(conn, batch_id, by)
    drafts = [d for d in batches.drafts(conn, batch.id) if d.leaves_at is not None]
    leaving = [draft for draft in drafts if batch_standing.verdict(draft) == AS_DRAFTED]
    done = 0
    for draft in leaving:
        try:
            questions.undo(conn, draft.current_token, by)
        except AlreadyAnswered:
            continue
        done += 1
    if not done:
        raise AlreadyAnswered("it is too late to undo")
    task_events.append(
        conn, batch.task_id, Event("answer_undone", actor=str(by), output_summary=str(done))
    )
    return Answered(done, len(leaving) - done)


def _locked(conn: Connection, batch_id: UUID, by: Person) -> Batch:
    by.must_act()
    batch = batches.get(conn, batch_id)
    batches.sql.lock_tasks(conn, batch_id=batch.id)
    return batch


def _approved(conn: Connection, settings: Settings, draft: Draft, by: Person) -> bool:
    question = draft.question
    if question is None or not draft.goes_together:
        return False
    if draft.draft_hash != batches.draft_hash(settings, question):
        return False
    choice = approval_of(question)
    return choice is not None and _answered(conn, settings, draft, Answer(choice, {}), by)


def _answered(
    conn: Connection, settings: Settings, draft: Draft, given: Answer, by: Person
) -> bool:
    try:
        questions.answer(conn, settings, draft.current_token, given, by)
    except (AlreadyAnswered, AnswerInvalid):
        return False
    return True


def _noted(conn: Connection, batch: Batch, by: Person, done: int, said: str) -> Answered:
    """On the campaign's own log, beside each task's."""
    event = Event("human_answered", actor=str(by), output_summary=said)
    task_events.append(conn, batch.task_id, event)
    left = sum(1 for draft in batches.drafts(conn, batch.id) if draft.waiting)
    return Answered(done, left)
