"""Clicks on a card and forms sent off: what each means, inside Slack's request.

A click whose answer needs a form opens it now, for the trigger that allows it lives
three seconds. Everything else is stored, and a worker makes the answer of it; who comes
too late is told so here where it is known already, and there where it is not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from flask import Response, jsonify

from engine import batch_review, deliveries, questions, users
from engine.card_drawing import task_url
from engine.errors import EngineError, NotFound, TaskClosed, VendorError
from engine.people import Person
from engine.questions import Question
from engine.refusals import STRUCK_OUT
from engine.runtime import Runtime
from engine.slack.batch_card import batch_in
from engine.slack.interactions import Click, Closed, Submission
from engine.slack.modals import (
    View,
    edit_modal,
    errors_reply,
    form_modal,
    late_modal,
    reason_modal,
    told_modal,
    update_reply,
)
from engine.slack.outlook_card import line_in
from engine.slack.review_modal import shown_in
from engine.slack.summary_card import task_in
from web.webhooks import slack_views
from web.webhooks.slack_refusals import (
    ACKNOWLEDGED,
    NOT_POSSIBLE,
    is_open,
    missing,
    option_of,
    tell,
    who_was_first,
    wrong,
)

log = structlog.get_logger()

TELL_AFTERWARDS_SECONDS = 0.5
NOT_OPENED = "Slack did not open the form in time. Press the button once more."
GONE = "What was asked here is gone; the customers’ data has been erased."


def clicked(runtime: Runtime, click: Click, body: bytes) -> Response:
    with runtime.database.read() as conn:
        person = users.person_for_slack(conn, click.user_id, click.team_id, runtime.settings)
    if person is None:
        return tell(runtime, click, users.NOT_LISTED)
    batch_id = batch_in(click.token)
    wanted = shown_in(click.value)
    if wanted is not None:
        return _review(runtime, click, batch_id, wanted)
    if batch_id is not None or task_in(click.token) or line_in(click.token):
        return _store(runtime, click.key, body)
    return _answer(runtime, click, person, body)


def _answer(runtime: Runtime, click: Click, person: Person, body: bytes) -> Response:
    try:
        with runtime.database.read() as conn:
            task, question = questions.read(conn, click.token)
    except TaskClosed as closed:
        return tell(runtime, click, str(closed))
    option = option_of(question, click.value)
    if option is None or not option.get("form"):
        lacking = missing(question, option) if is_open(question, click.token) else ""
        if lacking:
            return tell(runtime, click, lacking)
        _store(runtime, click.key, body)
        return _turn(runtime, click, question, option)
    if not is_open(question, click.token):
        return tell(runtime, click, who_was_first(question))
    return _open_form(runtime, click, person, question, option, task.number)


def submitted(runtime: Runtime, form: Submission, body: bytes) -> Response:
    with runtime.database.read() as conn:
        person = users.person_for_slack(conn, form.user_id, form.team_id, runtime.settings)
        if person is None:
            return jsonify(update_reply(told_modal(NOT_POSSIBLE, users.NOT_LISTED)))
        try:
            _, question = questions.read(conn, form.token)
        except TaskClosed as closed:
            return jsonify(update_reply(late_modal(str(closed), form.fields)))
    if not is_open(question, form.token):
        kept = {_label(question, key): text for key, text in form.fields.items() if text}
        return jsonify(update_reply(late_modal(who_was_first(question), kept)))
    errors = wrong(question, form)
    if errors:
        return jsonify(errors_reply(errors))
    _store(runtime, form.key, body)
    if not form.beneath:
        return jsonify(response_action="clear")
    # Only the form goes; the review that it stands on shows the next draft.
    said = _said(question, form.value)
    return _redraw(
        runtime, form.beneath, lambda: batch_review.drawn_after(runtime, form.token, said)
    )


def put_away(runtime: Runtime, closed: Closed, body: bytes) -> Response:
    """A form was closed without an answer: the card must not say "is editing" for ever, also
    where they have been taken off the list meanwhile."""
    with runtime.database.read() as conn:
        known = users.id_for_slack(conn, closed.user_id, closed.team_id, runtime.settings)
    return _store(runtime, closed.key, body) if known else Response(status=ACKNOWLEDGED)


def _store(runtime: Runtime, key: str, body: bytes) -> Response:
    with runtime.database.transaction("accept") as conn:
        deliveries.accept(conn, runtime.settings, source="slack", key=key, body=body)
    return Response(status=ACKNOWLEDGED)


def _review(runtime: Runtime, click: Click, batch_id: str | None, wanted: str) -> Response:
    """The review of a batch begins, or its page is turned; or it is of one question alone."""
    try:
        if batch_id is None:
            view = batch_review.drawn_alone(runtime, click.token)
        else:
            view = batch_review.drawn(runtime, batch_id, wanted)
        if click.in_modal:
            slack_views.change(runtime, click.view_id, view, seen=click.view_hash)
        else:
            slack_views.show(runtime, click, view)
    except (NotFound, TaskClosed):
        return tell(runtime, click, GONE)
    except VendorError as error:
        log.warning("review_not_opened", code=error.code, detail=error.detail)
        return tell(runtime, click, NOT_OPENED, TELL_AFTERWARDS_SECONDS)
    return Response(status=ACKNOWLEDGED)


def _turn(
    runtime: Runtime, click: Click, question: Question, option: Mapping[str, Any] | None
) -> Response:
    """What was pressed in a review is stored: it goes on to the next draft."""
    if not click.in_modal:
        return Response(status=ACKNOWLEDGED)
    what = _said(question, click.value) if option else STRUCK_OUT.lower()

    def page() -> View:
        if click.value == "undo":
            return batch_review.drawn_undoing(runtime, click.token)
        return batch_review.drawn_after(runtime, click.token, what)

    return _redraw(runtime, click.view_id, page, seen=click.view_hash)


def _redraw(
    runtime: Runtime, view_id: str, page: Callable[[], View], *, seen: str = ""
) -> Response:
    """What was pressed has been stored, so it is acknowledged whatever becomes of the page."""
    try:
        slack_views.change(runtime, view_id, page(), seen=seen)
    except (NotFound, TaskClosed) as gone:
        log.info("page_not_drawn", code=gone.code)
    return Response(status=ACKNOWLEDGED)


def _open_form(
    runtime: Runtime,
    click: Click,
    person: Person,
    question: Question,
    option: Mapping[str, Any],
    number: int,
) -> Response:
    """The form first and the mark afterwards: a card that says "is editing" while no form
    is open would keep the others waiting for nobody."""
    try:
        view = _view(question, click, option, task_url(runtime, number))
        slack_views.show(runtime, click, view)
    except VendorError as error:
        log.warning("form_not_opened", code=error.code, detail=error.detail)
        return tell(runtime, click, NOT_OPENED, TELL_AFTERWARDS_SECONDS)
    if option["form"] != "reason":
        try:
            with runtime.database.transaction("mark_editing") as conn:
                questions.mark_editing(conn, click.token, person)
        except EngineError as late:
            # Answered, erased or forbidden meanwhile: the form says so when it is sent off.
            log.info("not_marked_as_editing", code=late.code)
    return Response(status=ACKNOWLEDGED)


def _view(question: Question, click: Click, option: Mapping[str, Any], url: str) -> dict[str, Any]:
    if option["form"] == "edit":
        return edit_modal(question, click.token, value=click.value, task_url=url)
    if option["form"] == "reply":
        return form_modal(question, click.token, value=click.value, task_url=url)
    return reason_modal(question, click.token, value=click.value)


def _said(question: Question, value: str) -> str:
    """What was answered, in the words of the button."""
    option = option_of(question, value)
    return f"“{option['label']}”" if option else value


def _label(question: Question, key: str) -> str:
    return next((field["label"] for field in question["fields"] if field["key"] == key), key)
