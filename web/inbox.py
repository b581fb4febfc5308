"""The inbox: open questions, oldest deadline first, answered where they stand.

Every answer goes through the one door, `questions.answer`, as Slack's do: the first
wins, and the second person is told who was first and keeps what they typed. A page that
stands open asks each few seconds whether anything has changed, and gets the list anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from engine import batches, inbox, questions, sops, tasks
from engine.answers import Answer
from engine.attendance import attendance
from engine.batches import OpenBatch
from engine.errors import AlreadyAnswered, AnswerInvalid
from engine.inbox import Waiting
from engine.postgres import Connection
from web import batches as batch_pages
from web import turbo
from web.current import actor, runtime
from web.question_cards import FORMS, Card, as_seen, card

blueprint = Blueprint("inbox", __name__)


@blueprint.get("/")
def home() -> Response:
    return make_response(redirect(url_for("inbox.index")))


@blueprint.get("/inbox")
def index() -> str:
    return render_template("inbox/index.html", **_shown(_read()))


@blueprint.get("/inbox/changes")
def changes() -> Response:
    """Nothing, or the list as it stands now."""
    seen = _read()
    if _version(seen) == request.args.get("version"):
        return turbo.unchanged()
    return turbo.answer(_list(seen))


# -- answering --------------------------------------------------------------------


@blueprint.post("/questions/<token>/answer")
def answer(token: str) -> Response:
    by, given = actor(), _given()
    try:
        with runtime().database.transaction("answer") as conn:
            task = questions.answer(conn, runtime().settings, token, given, by)
    except AnswerInvalid as invalid:
        return _again(token, given, invalid.detail)
    except AlreadyAnswered as late:
        return _too_late(token, given, late.detail)
    # What can be taken back stands at the top of the list, and says so itself.
    undoable = task.question is not None and task.question["state"] == "undo"
    return _done("" if undoable else f"Answered; task {task.number} goes on.")


@blueprint.post("/questions/<token>/undo")
def undo(token: str) -> Response:
    by = actor()
    try:
        with runtime().database.transaction("undo") as conn:
            questions.undo(conn, token, by)
    except AlreadyAnswered as late:
        return _too_late(token, Answer("", {}), late.detail)
    return _done("Taken back. The question is open again.")


@blueprint.post("/questions/<token>/editing")
def editing(token: str) -> Response:
    """A form was opened: the others see it on the card, and may still answer."""
    by = actor()
    try:
        with runtime().database.transaction("mark_editing") as conn:
            questions.mark_editing(conn, token, by)
    except AlreadyAnswered:
        return Response(status=409)
    return turbo.unchanged()


def _given() -> Answer:
    """What was chosen and typed; a tapped reason goes before a written one."""
    form = request.form
    fields = {
        key.removeprefix("field:"): as_seen(value)
        for key, value in form.items()
        if key.startswith("field:")
    }
    tapped = form.get("tapped", "")
    if tapped:
        fields["reason"] = tapped
    return Answer(form.get("choice", ""), fields)


def _done(said: str) -> Response:
    if request.form.get("batch"):
        return batch_pages.answered(request.form["batch"])
    if _from_inbox() and turbo.wanted():
        return turbo.answer([*_list(_read()), *([_notice(said)] if said else [])])
    if said:
        flash(said, "good")
    return make_response(redirect(_back(), 303))


def _again(token: str, given: Answer, said: str) -> Response:
    """The same card with what was typed and what is wrong with it."""
    shown = _one(token, given, said)
    if turbo.wanted():
        return turbo.answer([turbo.stream("replace", f"card-{shown.id}", _drawn(shown))], 422)
    return make_response(render_template("inbox/one.html", card=shown), 422)


def _too_late(token: str, given: Answer, said: str) -> Response:
    """Who was first, and the text that was typed, so that nothing is lost."""
    shown = _one(token, given)
    late = {"card": shown, "said": said, "kept": _kept(shown, given)}
    if _from_inbox() and turbo.wanted():
        streams = [
            turbo.stream("remove", f"card-{shown.id}"),
            *_list(_read()),
            turbo.stream("append", "late", render_template("inbox/_late.html", **late)),
        ]
        return turbo.answer(streams, 409)
    return make_response(render_template("inbox/late.html", **late), 409)


def _kept(shown: Card, given: Answer) -> list[tuple[str, str]]:
    """What they had typed that was not on the card before."""
    labels = {blank["key"]: blank["label"] for blank in shown.question.get("fields") or []}
    labels["reason"] = "Reason"
    was = {blank["key"]: blank["value"] for blank in shown.question.get("fields") or []}
    return [
        (labels.get(key, key), text)
        for key, text in given.fields.items()
        if text.strip() and text != was.get(key)
    ]


# -- drawing ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What the inbox shows: questions, answers that can be taken back, and batches."""

    waiting: list[Waiting]
    undoable: list[Waiting]
    batches: list[OpenBatch]
    count: int


def _read() -> Seen:
    with runtime().database.read() as conn:
        return Seen(
            inbox.waiting(conn), inbox.undoable(conn), batches.waiting(conn), inbox.count(conn)
        )


def _cards(waiting: Sequence[Waiting]) -> list[Card]:
    if not waiting:
        return []
    with runtime().database.read() as conn:
        now, here = tasks.now(conn), attendance(conn)
    return [card(runtime(), here, one, now) for one in waiting]


def _version(seen: Seen) -> str:
    """Changes when anything does that the page shows."""
    shown = [
        f"{one.token} {one.question.get('state')} {one.question.get('editing')} {one.task.deadline}"
        for one in (*seen.waiting, *seen.undoable)
    ]
    return hashlib.sha256(f"{shown} {seen.batches}".encode()).hexdigest()[:16]


def _shown(seen: Seen) -> dict[str, object]:
    return {
        "cards": _cards(seen.waiting),
        "leaving": _cards(seen.undoable),
        "batches": seen.batches,
        "count": seen.count,
        "version": _version(seen),
    }


def _list(seen: Seen) -> list[str]:
    count = seen.count
    shown = render_template("inbox/_list.html", **_shown(seen))
    badges = [
        turbo.stream("update", target, render_template("_count.html", count=count))
        for target in ("inbox-count", "inbox-count-below")
    ]
    return [turbo.stream("replace", "inbox", shown, morph=True), *badges]


def _notice(said: str, tone: str = "good") -> str:
    html = render_template("_notice.html", tone=tone, said=said)
    return turbo.stream("append", "notices", html)


def _drawn(shown: Card) -> str:
    batch = {"batch_id": request.form.get("batch"), "page": request.form.get("page")}
    return render_template("inbox/_card_alone.html", card=shown, **batch)


def _one(token: str, given: Answer, error: str = "") -> Card:
    with runtime().database.read() as conn:
        waiting = _waiting(conn, token)
        now, here = tasks.now(conn), attendance(conn)
    option = next(
        (o for o in waiting.question.get("options") or [] if o["value"] == given.choice), None
    )
    form = option["value"] if option and option.get("form") in FORMS else ""
    shown = card(runtime(), here, waiting, now, open_form=form, error=error, typed=given.fields)
    # What is wrong with a field stands at the field.
    return replace(shown, error="") if any(blank.wrong for blank in shown.blanks) else shown


def _waiting(conn: Connection, token: str) -> Waiting:
    task, question = questions.read(conn, token)
    current = task.question is not None and task.question["id"] == question["id"]
    # An earlier question of a task that is waiting again must not look open.
    shown = task if current else replace(task, status="pending")
    return Waiting(shown, question, sops.get(conn, task.sop_id).name)


def _from_inbox() -> bool:
    return request.form.get("from") != "task"


def _back() -> str:
    number = request.form.get("task", "")
    if not _from_inbox() and number.isdecimal():
        return url_for("tasks.show", number=int(number))
    return url_for("inbox.index")
