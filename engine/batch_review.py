"""The review of a batch, one draft after another: which comes first, which after an answer.

Drawn whole each time, from how the batch stands; `slack/review_modal.py` says how it looks.
Those that stand out come first, as on the card.
"""

from __future__ import annotations

from dataclasses import replace

from engine import batch_posting, batch_standing, batches, questions, tasks
from engine.attendance import attendance
from engine.batch_outliers import refusal_of
from engine.batch_standing import Standing
from engine.batches import Draft
from engine.card_drawing import state_of, task_url
from engine.card_remarks import remarks
from engine.postgres import Connection
from engine.questions import Question
from engine.runtime import Runtime
from engine.slack.batch_card import name_of, token_of, why_apart
from engine.slack.modals import View, told_modal
from engine.slack.review_modal import Page, review_modal, through_modal
from engine.tasks import Task

SOON = "Look again in a moment."
GONE = "The drafts of this card are gone: the customers' data has been erased."


def drawn(runtime: Runtime, batch_id: str, show: str = "") -> View:
    """The draft with this question's id, or else the first that waits."""
    with runtime.database.read() as conn:
        standing = batch_standing.read(conn, batches.get(conn, batch_id))
        if standing.erased or not standing.drafts:
            return told_modal("Review", GONE)
        first = _waiting(standing.drafts) or standing.drafts[0]
        return _page(runtime, conn, standing, _find(standing, show) or first)


def drawn_alone(runtime: Runtime, token: str, said: str = "") -> View:
    """A question that is on no batch; with `said`, while what was pressed is being done."""
    with runtime.database.read() as conn:
        task, question = questions.read(conn, token)
        page = _alone(runtime, conn, task, question)
    url = task_url(runtime, task.number)
    return review_modal(replace(page, said=said, settling=bool(said)), token=token, url=url)


def drawn_after(runtime: Runtime, token: str, what: str) -> View:
    """What comes once this was answered: of a batch the next draft that waits. The answer may
    still be on its way, so the page goes by what was pressed."""
    question_id = token.partition(".")[0]
    with runtime.database.read() as conn:
        standing = _of_question(conn, question_id)
        if standing is None:
            return drawn_alone(runtime, token, f"{what}. {SOON}")
        answered = _find(standing, question_id)
        said = f"{name_of(answered)}: {what}." if answered else f"{what}."
        following = _following(standing, question_id)
        if following is not None:
            return _page(runtime, conn, standing, following, said=said, answered=question_id)
    url = batch_posting.url(runtime, standing.batch.id)
    left = _left(standing, question_id)
    return through_modal(said, left, token=token_of(standing.batch.id), url=url)


def drawn_undoing(runtime: Runtime, token: str) -> View:
    """The same page without its answers, until the answer is taken back."""
    question_id = token.partition(".")[0]
    said = f"It is being taken back. {SOON}"
    with runtime.database.read() as conn:
        standing = _of_question(conn, question_id)
        draft = _find(standing, question_id) if standing else None
        if standing is None or draft is None:
            return drawn_alone(runtime, token, said)
        return _page(runtime, conn, standing, draft, said=said, settling=True)


def _of_question(conn: Connection, question_id: str) -> Standing | None:
    row = batches.sql.of_question(conn, question_id=question_id)
    return batch_standing.read(conn, batches.get(conn, row["batch_id"])) if row else None


def _page(
    runtime: Runtime,
    conn: Connection,
    standing: Standing,
    draft: Draft,
    *,
    said: str = "",
    answered: str = "",
    settling: bool = False,
) -> View:
    place = standing.drafts.index(draft)
    neighbours = [str(one.question_id) for one in standing.drafts]
    apart = draft.waiting and not draft.goes_together and standing.batch.posted_at is not None
    page = replace(
        _alone(runtime, conn, tasks.get(conn, draft.task_id), draft.question or {}),
        question_id=str(draft.question_id),
        apart=why_apart(draft) if apart else "",
        strikes=draft.waiting and refusal_of(draft.question or {}) is not None,
        place=place + 1,
        drafts=len(neighbours),
        waiting=_left(standing, answered),
        before=neighbours[place - 1] if place else "",
        after=neighbours[place + 1] if place + 1 < len(neighbours) else "",
        said=said,
        settling=settling,
    )
    url = batch_posting.url(runtime, standing.batch.id)
    return review_modal(page, token=token_of(standing.batch.id), url=url)


def _alone(runtime: Runtime, conn: Connection, task: Task, question: Question) -> Page:
    now = tasks.now(conn)
    return Page(
        question_id=str(question.get("id", "")),
        question=remarks(runtime, attendance(conn), question, now).on(question),
        token=questions.token_of(question) if "token" in question else str(task.id),
        state=state_of(runtime, task, question, now),
    )


def _following(standing: Standing, question_id: str) -> Draft | None:
    """The next that waits, else the first before it that was passed over."""
    ids = [str(draft.question_id) for draft in standing.drafts]
    place = ids.index(question_id) if question_id in ids else -1
    return _waiting(standing.drafts[place + 1 :]) or _waiting(standing.drafts[: max(place, 0)])


def _waiting(drafts: list[Draft]) -> Draft | None:
    return next((draft for draft in drafts if draft.waiting), None)


def _find(standing: Standing, question_id: str) -> Draft | None:
    return next((d for d in standing.drafts if str(d.question_id) == question_id), None)


def _left(standing: Standing, answered: str) -> int:
    return sum(1 for d in standing.drafts if d.waiting and str(d.question_id) != answered)
