"""What is refused inside Slack's request: in words, to the one person who asked, never as an
error of HTTP, for to that Slack shows a warning sign and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Response

from engine import answers, failpoints, questions
from engine.errors import AnswerInvalid, EngineError
from engine.questions import OPEN, Question
from engine.runtime import Runtime
from engine.slack.interactions import Click, Submission
from engine.slack.modals import REASON, told_modal
from engine.slack.text import escape
from web.webhooks import slack_views

log = structlog.get_logger()

# Slack waits three seconds in all; words that come too late are no loss.
TELL_SECONDS = 2.0
ACKNOWLEDGED = 200
NOT_POSSIBLE = "Not possible"


def tell(runtime: Runtime, click: Click, said: str, seconds: float = TELL_SECONDS) -> Response:
    """Privately, and only if Slack is quick: the click is acknowledged in any case."""
    try:
        if click.channel:
            failpoints.reach("call:slack:tell:before")
            runtime.slack.tell(click.channel, click.user_id, escape(said), timeout=seconds)
            failpoints.reach("call:slack:tell:after")
        elif click.view_id:
            # In a modal or in the home tab there is no channel to say it in.
            slack_views.show(runtime, click, told_modal(NOT_POSSIBLE, said), seconds=seconds)
    except EngineError as error:
        log.info("could_not_tell", code=error.code)
    return Response(status=ACKNOWLEDGED)


def missing(question: Question, option: Mapping[str, Any] | None) -> str:
    """What the one door would refuse, said while the person still looks at the button."""
    try:
        if option is not None:
            answers.filled_in(question, option, {})
    except AnswerInvalid as invalid:
        return invalid.detail
    return ""


def wrong(question: Question, form: Submission) -> dict[str, str]:
    """Errors by field: what the one door would refuse, said where it can be put right."""
    option = option_of(question, form.value)
    if option is None:
        return {}
    if option.get("form") == "reason":
        given = form.fields.get(REASON, "").strip()
        return {} if given else {REASON: "Tap a reason, or write one."}
    return answers.problems(question, form.fields)


def is_open(question: Question, token: str) -> bool:
    return question["state"] in OPEN and questions.token_of(question) == token


def who_was_first(question: Question) -> str:
    given = question.get("answer")
    if given:
        return f"{given['by']['name']} was first: “{given['label']}”."
    words = {
        "expired": "Nobody answered in time; the deadline has passed.",
        "cancelled": "The task was cancelled.",
    }
    return words.get(question["state"], "It was asked again; use the newest card.")


def option_of(question: Question, value: str) -> Mapping[str, Any] | None:
    return next((option for option in question["options"] if option["value"] == value), None)
