"""The outlook as a page: who gets what until tomorrow night, each with "Strike out".

The same tasks as on the evening's card and what has come up since, drawn from what they are at
this moment; what was struck out, here or there, stays to be seen, with by whom and when.
"""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask import url_for as address

from engine import outlooks, tasks
from engine.errors import TaskClosed
from engine.outlooks import Outlook
from web import turbo
from web.current import actor, runtime
from web.timeline import Names

blueprint = Blueprint("outlook", __name__, url_prefix="/outlook")


@blueprint.get("")
def index() -> str:
    return render_template("outlook/index.html", **_shown(_read()))


@blueprint.get("/changes")
def changes() -> Response:
    """Nothing, or the list as it stands now."""
    seen = _read()
    if _version(seen) == request.args.get("version"):
        return turbo.unchanged()
    return turbo.answer([_drawn(seen)])


@blueprint.post("/<int:number>/strike")
def strike(number: int) -> Response:
    """The first wins, here or in Slack: the second is told what has become of it."""
    by = actor()
    try:
        with runtime().database.transaction("cancel") as conn:
            outlooks.strike(conn, tasks.get_by_number(conn, number).id, by)
        said, tone = f"Task {number} is struck out: nothing of it goes out.", "good"
    except TaskClosed as late:
        said, tone = f"{late.detail[:1].upper()}{late.detail[1:]}.", "warn"
    if turbo.wanted():
        notice = render_template("_notice.html", tone=tone, said=said)
        return turbo.answer([_drawn(_read()), turbo.stream("append", "notices", notice)])
    flash(said, tone)
    return make_response(redirect(address("outlook.index"), 303))


def _read() -> Outlook:
    with runtime().database.read() as conn:
        return outlooks.today(conn, runtime().business)


def _shown(seen: Outlook) -> dict[str, object]:
    to_come = sum(1 for line in seen.lines if line["status"] == "waiting_on_timer")
    with runtime().database.read() as conn:
        names = Names.read(conn)
    return {"seen": seen, "to_come": to_come, "version": _version(seen), "name": names.of}


def _version(seen: Outlook) -> str:
    """Changes when anything does that the page shows."""
    shown = ("id", "status", "wake_at", "step_name")
    lines = [[line[name] for name in shown] for line in seen.lines]
    return hashlib.sha256(f"{lines} {seen.scheduled}".encode()).hexdigest()[:16]


def _drawn(seen: Outlook) -> str:
    html = render_template("outlook/_list.html", **_shown(seen))
    return turbo.stream("replace", "outlook", html, morph=True)
