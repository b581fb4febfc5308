"""What a person does to a task from its page: end it, send it back to a step, or have its
card posted again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from engine import lost_cards, tasks
from engine.errors import NotFound
from web.current import actor, runtime

blueprint = Blueprint("task_acts", __name__, url_prefix="/tasks/<int:number>")


@blueprint.post("/cancellation")
def cancel(number: int) -> Response:
    by = actor()
    with runtime().database.transaction("cancel") as conn:
        task = tasks.cancel(conn, tasks.get_by_number(conn, number).id, by=str(by))
    if task.status == "in_progress":
        flash("It stops before its next step.", "warn")
    else:
        flash(f"Task {number} is cancelled.", "good")
    return redirect(url_for("tasks.show", number=number), 303)


@blueprint.post("/card")
def post_card_again(number: int) -> Response:
    by = actor()
    with runtime().database.transaction("post_again") as conn:
        posted = lost_cards.post_again(conn, runtime().settings, number, by)
    flash(f"The card is posted again in {posted.channel}.", "good")
    return redirect(url_for("tasks.show", number=number), 303)


@blueprint.post("/reruns")
def rerun(number: int) -> Response:
    """From a step on, with new effects: what went out before may go out again."""
    by, key = actor(), request.form.get("step", "")
    with runtime().database.transaction("rerun") as conn:
        task = tasks.get_by_number(conn, number)
        steps = runtime().procedures.of(conn, task.sop_id).steps
        step = next((step for step in steps if step.key == key), None)
        if step is None:
            raise NotFound(f"step {key!r} of task {number}")
        tasks.rerun(conn, task.id, step.id, by=str(by))
    flash(f"Task {number} goes on at “{step.name}”.", "good")
    return redirect(url_for("tasks.show", number=number), 303)
