"""The tasks: a list whose rows are sentences, and a page on each with its timeline.

Both stand open on somebody's desk, so both ask for what is new while they are looked
at: the list for itself, a task's page for the events after the last one it has.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from engine import sops, task_list, tasks
from engine.errors import NotFound
from web import turbo
from web.current import runtime
from web.formats import day_and_time
from web.standing import Standing, standing
from web.task_page import TaskPage, read_page

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks")

# What the tabs of the list show, in the order in which one asks for it.
VIEWS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "all": ("All", None),
    "need": ("Needs you", ("waiting_on_human", "escalated")),
    "running": ("Running", ("pending", "in_progress", "waiting_on_timer")),
    "failed": ("Failed", ("failed",)),
    "done": ("Done", ("completed",)),
    "cancelled": ("Cancelled", ("cancelled",)),
}


@blueprint.get("")
def index() -> str | Response:
    given = request.args
    wanted = given.get("q", "").strip().lstrip("#")
    if wanted.isdecimal():
        return make_response(redirect(url_for(".show", number=int(wanted))))
    return render_template("tasks/index.html", **_listed(wanted))


@blueprint.get("/changes")
def list_changes() -> Response:
    """The list anew, where anything on it has changed."""
    shown = _listed(request.args.get("q", "").strip())
    if shown["version"] == request.args.get("version"):
        return turbo.unchanged()
    html = render_template("tasks/_list.html", **shown)
    return turbo.answer([turbo.stream("replace", "tasks", html, morph=True)])


def _listed(subject: str) -> dict[str, object]:
    given = request.args
    view = given.get("show", "all")
    view = view if view in VIEWS else "all"
    sop = given.get("sop") or None
    before = _key(given.get("before"))
    with runtime().database.read() as conn:
        now = tasks.now(conn)
        page = task_list.page(
            conn,
            statuses=VIEWS[view][1],
            sop=sop,
            subject=subject or None,
            before=before,
        )
        counts = {row["status"]: row["n"] for row in tasks.sql.counts(conn)}
        procedures = {row["slug"]: row["name"] for row in sops.sql.list(conn)}
    rows = [(row, stands(row, now)) for row in page.rows]
    seen = [(row.id, where.sentence, row.cost_usd) for row, where in rows]
    return {
        "rows": rows,
        "older": page.older,
        "view": view,
        "views": [
            (key, label, _number(counts, statuses)) for key, (label, statuses) in VIEWS.items()
        ],
        "sop": sop,
        "procedures": procedures,
        "before": before,
        "subject": subject,
        "now": now,
        "version": hashlib.sha256(repr((seen, counts)).encode()).hexdigest()[:16],
    }


def _number(counts: dict[str, int], statuses: tuple[str, ...] | None) -> int | None:
    """How many a tab holds: of the open ones only, for the others are never few."""
    if statuses is None or not set(statuses) <= task_list.OPEN:
        return None
    return sum(counts.get(status, 0) for status in statuses)


def _key(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def stands(row: task_list.TaskRow, now: object) -> Standing:
    zone = runtime().business.zone
    return standing(row, lambda at: day_and_time(at, now, zone))  # type: ignore[arg-type]


# -- one task ---------------------------------------------------------------------


@blueprint.get("/<int:number>")
def show(number: int) -> str:
    return render_template("tasks/show.html", page=_page(number), after=0)


@blueprint.get("/<int:number>/changes")
def changes(number: int) -> Response:
    """What is new since the event and the state that the page has."""
    after = request.args.get("after", 0, type=int)
    page = _page(number, after=after)
    if page.version == request.args.get("version"):
        response = turbo.unchanged()
    else:
        streams = [
            turbo.stream(
                "replace", name, render_template(f"tasks/_{name}.html", page=page), morph=True
            )
            for name in ("standing", "question", "procedure", "effects", "events-head")
        ]
        if page.lines:
            events = render_template("tasks/_events.html", page=page)
            streams.append(turbo.stream("append", "events", events))
        response = turbo.answer(streams)
    if page.over:
        response.headers["X-Live"] = "over"
    return response


def _page(number: int, *, after: int = 0) -> TaskPage:
    with runtime().database.read() as conn:
        page = read_page(conn, runtime(), number, after=after)
    if page is None:
        raise NotFound(f"task {number}")
    return page
