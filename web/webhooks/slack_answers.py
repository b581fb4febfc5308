"""Clicks on a card and forms sent off: what each means, inside Slack's request.

A click whose answer needs a form opens it now, for the trigger that allows it lives
three seconds. Everything else is stored, and a worker makes the answer of it; who comes
too late is told so here where it is known already, and there where it is not yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Response, jsonify

from engine import answers, batch_review, deliveries, failpoints, questions, users
from engine.card_drawing import task_url
from engine.errors import (
    AlreadyAnswered,
    AnswerInvalid,
    EngineError,
    NotFound,
    TaskClosed,
    VendorError,
)
from engine.people import Person
from engine.questions import OPEN, Question
from engine.refusals import STRUCK_OUT
from engine.runtime import Runtime
from engine.slack.batch_card import batch_in
from engine.slack.interactions import Click, Closed, Submission
from engine.slack.modals import (
    REASON,
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

log = structlog.get_logger()

# Slack waits three seconds in all; words that come too late are no loss.
TELL_SECONDS = 2.0
TELL_AFTERWARDS_SECONDS = 0.5
STRANGER = "Only people on this company’s list may answer. Ask an admin to add you."
NOT_OPENED = "Slack did not open the form in time. Press the button once more."
GONE = "What was asked here is gone; the customers’ data has been erased."
ACKNOWLEDGED = 200


def clicked(runtime: Runtime, click: Click, body: bytes) -> Response:
    with runtime.database.read() as conn:
        person = users.person_for_slack(conn, click.user_id, click.team_id, runtime.settings)
    if person is None:
        return _tell(runtime, click, STRANGER)
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
        return _tell(runtime, click, str(closed))
    option = _option(question, click.value)
    if option is None or not option.get("form"):
        missing = _missing(question, option) if _open(question, click.token) else ""
        if missing:
            return _tell(runtime, click, missing)
        _store(runtime, click.key, body)
        return _turn(runtime, click, question, option)
    if not _open(question, click.token):
        return _tell(runtime, click, _who_was_first(question))
    return _open_form(runtime, click, person, question, option, task.number)


def _missing(question: Question, option: Mapping[str, Any] | None) -> str:
    """What the one door would refuse, said while the person still looks at the button."""
    try:
        if option is not None:
            answers.filled_in(question, option, {})
    except AnswerInvalid as invalid:
        return invalid.detail
    return ""


def submitted(runtime: Runtime, form: Submission, body: bytes) -> Response:
    with runtime.database.read() as conn:
        person = users.person_for_slack(conn, form.user_id, form.team_id, runtime.settings)
        if person is None:
            return jsonify(update_reply(told_modal("Not possible", STRANGER)))
        try:
            _, question = questions.read(conn, form.token)
        except TaskClosed as closed:
            return jsonify(update_reply(late_modal(str(closed), form.fields)))
    if not _open(question, form.token):
        kept = {_label(question, key): text for key, text in form.fields.items() if text}
        return jsonify(update_reply(late_modal(_who_was_first(question), kept)))
    wrong = _wrong(question, form)
    if wrong:
        return jsonify(errors_reply(wrong))
    _store(runtime, form.key, body)
    if not form.beneath:
        return jsonify(response_action="clear")
    # Only the form goes; the review that it stands on shows the next draft.
    view = batch_review.drawn_after(runtime, form.token, _said(question, form.value))
    slack_views.change(runtime, form.beneath, view)
    return Response(status=ACKNOWLEDGED)


def put_away(runtime: Runtime, closed: Closed, body: bytes) -> Response:
    """A form was closed without an answer: the card must not say "is editing" for ever."""
    with runtime.database.read() as conn:
        person = users.person_for_slack(conn, closed.user_id, closed.team_id, runtime.settings)
    if person is None:
        return Response(status=ACKNOWLEDGED)
    return _store(runtime, closed.key, body)


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
        return _tell(runtime, click, GONE)
    except VendorError as error:
        log.warning("review_not_opened", code=error.code, detail=error.detail)
        return _tell(runtime, click, NOT_OPENED, TELL_AFTERWARDS_SECONDS)
    return Response(status=ACKNOWLEDGED)


def _turn(
    runtime: Runtime, click: Click, question: Question, option: Mapping[str, Any] | None
) -> Response:
    """What was pressed in a review is stored: it goes on to the next draft."""
    if click.in_modal:
        what = _said(question, click.value) if option else STRUCK_OUT.lower()
        view = (
            batch_review.drawn_undoing(runtime, click.token)
            if click.value == "undo"
            else batch_review.drawn_after(runtime, click.token, what)
        )
        slack_views.change(runtime, click.view_id, view, seen=click.view_hash)
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
        return _tell(runtime, click, NOT_OPENED, TELL_AFTERWARDS_SECONDS)
    if option["form"] != "reason":
        try:
            with runtime.database.transaction("mark_editing") as conn:
                questions.mark_editing(conn, click.token, person)
        except AlreadyAnswered:
            log.info("answered_while_form_opened")
    return Response(status=ACKNOWLEDGED)


def _view(question: Question, click: Click, option: Mapping[str, Any], url: str) -> dict[str, Any]:
    if option["form"] == "edit":
        return edit_modal(question, click.token, value=click.value, task_url=url)
    if option["form"] == "reply":
        return form_modal(question, click.token, value=click.value, task_url=url)
    return reason_modal(question, click.token, value=click.value)


def _wrong(question: Question, form: Submission) -> dict[str, str]:
    """Errors by field: what the one door would refuse, said where it can be put right."""
    option = _option(question, form.value)
    if option is None:
        return {}
    if option.get("form") == "reason":
        given = form.fields.get(REASON, "").strip()
        return {} if given else {REASON: "Tap a reason, or write one."}
    return answers.problems(question, form.fields)


def _tell(runtime: Runtime, click: Click, said: str, seconds: float = TELL_SECONDS) -> Response:
    """Privately, and only if Slack is quick: the click is acknowledged in any case."""
    try:
        if click.channel:
            failpoints.reach("call:slack:tell:before")
            runtime.slack.tell(click.channel, click.user_id, said, timeout=seconds)
            failpoints.reach("call:slack:tell:after")
        elif click.view_id:
            # In a modal or in the home tab there is no channel to say it in.
            slack_views.show(runtime, click, told_modal("Not possible", said), seconds=seconds)
    except EngineError as error:
        log.info("could_not_tell", code=error.code)
    return Response(status=ACKNOWLEDGED)


def _open(question: Question, token: str) -> bool:
    return question["state"] in OPEN and questions.token_of(question) == token


def _who_was_first(question: Question) -> str:
    given = question.get("answer")
    if given:
        return f"{given['by']['name']} was first: “{given['label']}”."
    words = {
        "expired": "Nobody answered in time; the deadline has passed.",
        "cancelled": "The task was cancelled.",
    }
    return words.get(question["state"], "It was asked again; use the newest card.")


def _option(question: Question, value: str) -> Mapping[str, Any] | None:
    return next((option for option in question["options"] if option["value"] == value), None)


def _said(question: Question, value: str) -> str:
    """What was answered, in the words of the button."""
    option = _option(question, value)
    return f"“{option['label']}”" if option else value


def _label(question: Question, key: str) -> str:
    return next((field["label"] for field in question["fields"] if field["key"] == key), key)
