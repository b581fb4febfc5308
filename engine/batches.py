"""Batches: the drafts of one campaign, shown on one card and answered together.

A step that says `batch: true`, in a task that a `for_each` started (or in a follow-up of
one), asks without a card of its own: its question joins the batch that the campaign is
gathering. Once all are drafted, or half an hour after the first, the batch is posted and
its list frozen: each question's token and the keyed hash of its draft. "Approve all"
answers exactly those; what comes later, or has changed, goes to the next card. While every
owner is away it goes on gathering, for nobody would look at it.

Answering is `batch_answers.py`; what must be looked at by itself, `batch_outliers.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from engine import batch_outliers, cards, task_events
from engine.attendance import attendance
from engine.errors import NotFound
from engine.keyed_hash import keyed_hash
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader
from engine.settings import Settings
from engine.task_events import Event

sql = queries("batches")

GATHER_MINUTES = 30
WAITING = frozenset({"open", "editing"})


@dataclass(frozen=True, slots=True)
class Batch:
    id: UUID
    task_id: UUID
    step_id: UUID
    created_at: datetime
    posted_at: datetime | None
    closed_at: datetime | None


of_row = reader(Batch)


@dataclass(frozen=True, slots=True)
class Draft:
    """One question of a batch as it is now, beside what was frozen of it. `question` is
    None where the task is erased."""

    question_id: UUID
    task_id: UUID
    number: int
    position: int | None
    token: str | None
    draft_hash: bytes | None
    remarks: tuple[str, ...]
    question: dict[str, Any] | None
    waiting: bool
    leaves_at: datetime | None
    # Why it was not sent, though it was approved.
    withheld: str | None = None
    customer: str = ""

    @property
    def state(self) -> str:
        return str(self.question["state"]) if self.question else "erased"

    @property
    def current_token(self) -> str:
        return f"{self.question['id']}.{self.question['token']}" if self.question else ""

    @property
    def goes_together(self) -> bool:
        """Whether "approve all" answers it: as it was shown, nobody is at it, and nothing has
        become known since that speaks against it."""
        if not self.waiting or self.remarks or self.question is None:
            return False
        unchanged = self.token is not None and self.token == self.current_token
        return unchanged and self.state == "open" and not batch_outliers.warned(self.question)


def get(conn: Connection, batch_id: str | UUID) -> Batch:
    """Raises NotFound also where the text is no id at all: it comes from outside."""
    try:
        row = sql.get(conn, batch_id=UUID(str(batch_id)))
    except ValueError:
        row = None
    if row is None:
        raise NotFound("batch")
    return of_row(row)


def campaign_of(conn: Connection, task_id: UUID) -> UUID | None:
    """The task whose for_each this one descends from; None where there is none."""
    return sql.campaign_of(conn, task_id=task_id)


# -- gathering ----------------------------------------------------------------------


def join(
    conn: Connection,
    question: dict[str, Any],
    *,
    task_id: UUID,
    campaign_id: UUID,
    step_id: UUID,
) -> None:
    """A question joins the batch that is being gathered, in the transaction that asks it."""
    batch = sql.gather(conn, task_id=campaign_id, step_id=step_id)
    cards.open_unposted(conn, question["id"], task_id=task_id, channel=question["channel"])
    sql.add_draft(conn, question_id=question["id"], batch_id=batch["id"], task_id=task_id)


def post_ready(conn: Connection, settings: Settings) -> int:
    """Freeze and post every batch whose drafts are all there, or that has gathered for
    long enough; returns how many. While nobody is here they go on gathering."""
    ready = sql.ready(conn, minutes=GATHER_MINUTES)
    if not ready or attendance(conn).unattended_until is not None:
        return 0
    for row in ready:
        _post(conn, settings, of_row(row))
    return len(ready)


def _post(conn: Connection, settings: Settings, batch: Batch) -> None:
    waiting = [draft for draft in drafts(conn, batch.id) if draft.waiting]
    asked = {str(draft.question_id): draft.question or {} for draft in waiting}
    remarks = batch_outliers.remarks(asked)
    # The outliers first: they are looked at one by one.
    order = sorted(waiting, key=lambda d: (not remarks[str(d.question_id)], d.number))
    frozen = [
        {
            "question_id": str(draft.question_id),
            "position": position,
            "token": draft.current_token,
            "draft_hash": draft_hash(settings, draft.question or {}).hex(),
            "remarks": remarks[str(draft.question_id)],
        }
        for position, draft in enumerate(order)
    ]
    sql.freeze_drafts(conn, frozen=Jsonb(frozen))
    sql.posted(conn, batch_id=batch.id, empty=not frozen)
    if not frozen:
        return
    channel = str((order[0].question or {})["channel"])
    cards.open_batch(conn, batch.id, task_id=batch.task_id, channel=channel)
    apart = sum(1 for one in frozen if one["remarks"])
    said = f"batch of {len(frozen)} in {channel}, {apart} to look at"
    task_events.append(conn, batch.task_id, Event("human_asked", output_summary=said))


def draft_hash(settings: Settings, question: dict[str, Any]) -> bytes:
    """What a person has seen of a draft: recipient, subject, text, footer."""
    mail = question.get("mail") or {}
    seen = [mail.get(part) for part in ("to", "to_name", "subject", "body", "footer")]
    return keyed_hash(settings, "draft", json.dumps(seen))


# -- what a batch holds -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that needs somebody, in numbers: what waits, and what can be taken back."""

    id: UUID
    task_id: UUID
    title: str
    posted_at: datetime | None
    waiting: int
    leaving: int
    deadline: datetime | None


def waiting(conn: Connection) -> list[OpenBatch]:
    """Every batch with a draft that waits for an answer, or can still be taken back."""
    return [OpenBatch(**row) for row in sql.open(conn)]


def held_back(conn: Connection) -> int:
    """How many drafts wait for somebody to be here, so that their card is posted."""
    return sql.gathered(conn)


def drafts(conn: Connection, batch_id: UUID) -> list[Draft]:
    return [_draft(row) for row in sql.drafts(conn, batch_id=batch_id)]


def _draft(row: dict[str, Any]) -> Draft:
    latest = row["question"]
    question = _find(latest, str(row["question_id"])) if row["erased_at"] is None else None
    current = question is not None and latest["id"] == question["id"]
    asks = row["status"] in ("waiting_on_human", "escalated")
    # As `questions.undo`: also what is due, while nobody has taken it up.
    untaken = row["status"] in ("waiting_on_timer", "pending")
    leaving = current and latest["state"] == "undo" and untaken
    return Draft(
        question_id=row["question_id"],
        task_id=row["task_id"],
        number=row["number"],
        position=row["position"],
        token=row["token"],
        draft_hash=row["draft_hash"],
        remarks=tuple(row["remarks"]),
        question=question,
        waiting=current and asks and latest["state"] in WAITING,
        leaves_at=row["wake_at"] if leaving else None,
        withheld=row["withheld"] if current else None,
        customer=str(row["customer"] or ""),
    )


def _find(latest: dict[str, Any] | None, question_id: str) -> dict[str, Any] | None:
    """The question itself, though its task may have asked something else since."""
    for one in [latest, *(latest or {}).get("earlier", [])]:
        if one and one["id"] == question_id:
            return one
    return None


# -- changes ------------------------------------------------------------------------


def reopened(conn: Connection, question: dict[str, Any], *, edited: bool) -> None:
    """An answer was taken back. The draft that was frozen is on its card again, under its
    new token; one that was edited meanwhile goes to the next card."""
    row = sql.of_question(conn, question_id=question["id"])
    if row is None or row["posted_at"] is None:
        return
    if not edited:
        token = f"{question['id']}.{question['token']}"
        sql.renew_token(conn, question_id=question["id"], token=token)
        sql.reopen(conn, batch_id=row["batch_id"])
        return
    batch = sql.gather(conn, task_id=row["campaign_id"], step_id=row["step_id"])
    cards.change(conn, question["id"])
    sql.move_draft(conn, question_id=question["id"], batch_id=batch["id"])


def close(conn: Connection, batch_id: UUID) -> None:
    """Nothing on it waits for a person any more."""
    sql.close(conn, batch_id=batch_id)
