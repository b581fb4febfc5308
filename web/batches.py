"""A campaign's drafts on one page: look through them by keys, strike some out, approve the rest.

The same batch as on Slack's card, drawn from the same standing. Each draft is answered by
the inbox's own form; what is answered together goes through `batch_answers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask import url_for as address

from engine import batch_answers, batch_standing, batches, sops, tasks
from engine.attendance import attendance
from engine.batch_answers import Answered
from engine.batch_outliers import refusal_of
from engine.batch_standing import Standing
from engine.batches import Draft
from engine.errors import AlreadyAnswered
from engine.inbox import Waiting
from engine.people import Person
from engine.postgres import Connection
from engine.slack.batch_card import why_apart
from web import turbo
from web.current import actor, runtime
from web.question_cards import Card, card

blueprint = Blueprint("batches", __name__, url_prefix="/batches")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A draft's card, why it stands apart, and the option that strikes it out."""

    card: Card
    apart: str
    strikes: str


@blueprint.get("/<batch_id>")
def show(batch_id: str) -> str:
    return render_template("batches/show.html", **_read(batch_id))


@blueprint.get("/<batch_id>/changes")
def changes(batch_id: str) -> Response:
    """Nothing, or the batch as it stands now."""
    with runtime().database.read() as conn:
        page = _page_of(conn, batch_id)
        if page.version == request.args.get("version"):
            return turbo.unchanged()
        seen = _shown(conn, page)
    return turbo.answer([_drawn(seen)])


@blueprint.post("/<batch_id>/approval")
def approve(batch_id: str) -> Response:
    settings = runtime().settings
    return _act(batch_id, lambda c, b, by: batch_answers.approve_all(c, settings, b.id, by), "")


@blueprint.post("/<batch_id>/undo")
def undo(batch_id: str) -> Response:
    said = "Taken back. The drafts are open again."
    return _act(batch_id, lambda c, b, by: batch_answers.undo(c, b.id, by), said)


def _act(
    batch_id: str, act: Callable[[Connection, batches.Batch, Person], Answered], said: str
) -> Response:
    by, tone = actor(), "good"
    try:
        with runtime().database.transaction("answer_batch") as conn:
            act(conn, batches.get(conn, batch_id), by)
    except AlreadyAnswered as late:
        said, tone = f"{late.detail[:1].upper()}{late.detail[1:]}.", "warn"
    return answered(batch_id, said, tone)


def answered(batch_id: str, said: str = "", tone: str = "good") -> Response:
    """What follows an answer that was given on this page."""
    if turbo.wanted():
        streams = [_drawn(_read(batch_id))]
        if said:
            html = render_template("_notice.html", tone=tone, said=said)
            streams.append(turbo.stream("append", "notices", html))
        return turbo.answer(streams)
    if said:
        flash(said, tone)
    return make_response(redirect(address("batches.show", batch_id=batch_id, page=_page()), 303))


# -- drawing ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the batch's drafts are looked at, before their cards are drawn."""

    standing: Standing
    number: int
    pages: int
    drafts: Sequence[Draft]

    @property
    def version(self) -> str:
        return _version(self.standing, self.drafts)


def _read(batch_id: str) -> dict[str, object]:
    with runtime().database.read() as conn:
        return _shown(conn, _page_of(conn, batch_id))


def _page_of(conn: Connection, batch_id: str) -> Page:
    standing = batch_standing.read(conn, batches.get(conn, batch_id))
    pages = 1 + max(0, len(standing.drafts) - 1) // PAGE
    number = min(_page(), pages)
    return Page(standing, number, pages, standing.drafts[(number - 1) * PAGE : number * PAGE])


def _shown(conn: Connection, page: Page) -> dict[str, object]:
    return {
        "standing": page.standing,
        "batch_id": page.standing.batch.id,
        "shown": _cards(conn, page.drafts),
        "page": page.number,
        "pages": page.pages,
        "version": page.version,
    }


def _page() -> int:
    given = request.values.get("page", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) < 6 else 1


def _cards(conn: Connection, drafts: Sequence[Draft]) -> list[Shown]:
    now, here = tasks.now(conn), attendance(conn)
    rows = batches.sql.tasks_of(conn, task_ids=[draft.task_id for draft in drafts])
    held = {row["id"]: tasks.of_row(row) for row in rows}
    names: dict[object, str] = {}
    found = []
    for draft in drafts:
        task = held[draft.task_id]
        if task.sop_id not in names:
            names[task.sop_id] = sops.get(conn, task.sop_id).name
        waiting = Waiting(task, draft.question or {}, names[task.sop_id])
        apart = why_apart(draft) if draft.remarks or draft.state == "editing" else ""
        strikes = refusal_of(draft.question or {}) or ""
        found.append(Shown(card(runtime(), here, waiting, now), apart, strikes))
    return found


def _version(standing: Standing, drafts: Sequence[Draft]) -> str:
    """Changes when anything does that the page shows."""
    seen = [f"{d.current_token} {d.state} {d.waiting} {d.leaves_at}" for d in drafts]
    counts = (len(standing.together), len(standing.apart), len(standing.leaving), standing.decided)
    return hashlib.sha256(f"{seen} {counts}".encode()).hexdigest()[:16]


def _drawn(seen: dict[str, object]) -> str:
    return turbo.stream(
        "replace", "batch", render_template("batches/_batch.html", **seen), morph=True
    )
