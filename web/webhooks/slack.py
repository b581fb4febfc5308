"""Slack's posts: clicks, forms, commands and events. Nobody is believed unsigned.

A click that only chooses, an undo and a form sent off are stored and acknowledged at
once; a worker acts on them. What Slack wants answered inside the request (a form to be
opened, a command to be replied to) is done here, in less than its three seconds.
"""

from __future__ import annotations

import time

import structlog
from flask import Blueprint, Response, jsonify, request

from engine import commands, home_tab, users
from engine.errors import EngineError
from engine.slack import payloads
from engine.slack.interactions import Click, Closed, Submission, read_interaction
from engine.slack.payloads import PayloadInvalid
from engine.slack.verification import SignatureInvalid, verify
from web.current import runtime
from web.webhooks import raw_body
from web.webhooks.slack_answers import clicked, put_away, submitted

blueprint = Blueprint("webhooks_slack", __name__, url_prefix="/webhooks/slack")
log = structlog.get_logger()


@blueprint.before_request
def _verify() -> None:
    secret = runtime().settings.slack_signing_secret.get_secret_value()
    verify(secret, dict(request.headers), raw_body(), time.time())


@blueprint.errorhandler(SignatureInvalid)
def _forged(error: SignatureInvalid) -> Response:
    log.warning("slack_signature_refused", why=error.detail)
    return Response("signature invalid\n", 401, content_type="text/plain")


@blueprint.errorhandler(PayloadInvalid)
def _unreadable(error: PayloadInvalid) -> Response:
    log.warning("slack_payload_refused", why=error.detail)
    return Response("payload invalid\n", 400, content_type="text/plain")


@blueprint.post("/interactions")
def interactions() -> Response:
    what = read_interaction(request.form)
    if isinstance(what, Click):
        return clicked(runtime(), what, raw_body())
    if isinstance(what, Submission):
        return submitted(runtime(), what, raw_body())
    if isinstance(what, Closed):
        return put_away(runtime(), what, raw_body())
    return Response(status=200)


@blueprint.post("/commands")
def take_command() -> Response:
    given = payloads.read_command(request.form)
    with runtime().database.read() as conn:
        person = users.person_for_slack(conn, given.user_id, given.team_id, runtime().settings)
    if person is None:
        return _privately(users.NOT_LISTED)
    try:
        said = commands.answer(
            runtime(), given.text, person, command=given.command, occasion=given.key
        )
    except EngineError as refusal:
        said = str(refusal)
    return _privately(said)


@blueprint.post("/events")
def events() -> Response:
    what = payloads.read_event(raw_body())
    if isinstance(what, payloads.UrlCheck):
        return Response(what.challenge, 200, content_type="text/plain")
    if isinstance(what, payloads.HomeOpened):
        home_tab.publish(runtime(), what.user_id, what.team_id)
    return Response(status=200)


def _privately(said: str) -> Response:
    return jsonify(response_type="ephemeral", text=said)
