"""The vendors' stand-ins: a Flask app of its own that speaks their wire protocols.

The engine talks to it by the vendors' real SDKs and never knows; only the base URLs
in the settings differ. Each vendor is one blueprint under its own prefix (`/slack`,
`/claude`, `/ses`, `/crm`, `/hubspot`); the pages to look at stand under `/`. Live mode refuses it.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from web.local.world import Fault, World

VENDORS = ("slack", "claude", "ses", "crm", "hubspot")


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What the stand-ins must know of the engine: where it listens, and the secrets with
    which a vendor would sign its requests to it."""

    engine_url: str
    slack_signing_secret: str = "local-signing-secret"
    slack_team_id: str = "T0LOCAL"
    webhook_secret: str = "local-webhook-secret"
    crm_api_key: str = "local-crm-key"
    sns_topic_arn: str = "arn:aws:sns:us-east-1:000000000000:mail"
    imap_host: str = "127.0.0.1"
    imap_port: int = 0
    imap_user: str = "office"
    imap_password: str = "office"
    maildir: str = ""
    """Where the IMAP stand-in keeps the office's mailbox; a mail dropped there has come in."""
    worker_pid_file: str = ""
    """Where the worker's process id stands. Only the demo says so, and may have it killed."""


def create_local_app(world: World, settings: LocalSettings) -> Flask:
    from web.local import claude, crm, hubspot, pages, ses, ses_console, slack, worker_kill

    app = Flask(__name__, template_folder="templates", static_folder="static")
    app.config["MAX_CONTENT_LENGTH"] = 50 * 1024 * 1024
    app.extensions["world"] = world
    app.extensions["local_settings"] = settings
    for module in (slack, claude, ses, ses_console, crm, hubspot):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(ses_console.sns_blueprint)
    app.register_blueprint(pages.blueprint)
    app.jinja_env.globals["worker_can_be_killed"] = bool(settings.worker_pid_file)
    if settings.worker_pid_file:
        app.register_blueprint(worker_kill.blueprint)
        app.after_request(worker_kill.strike)
    app.before_request(_receive)
    app.after_request(_answer)
    app.register_error_handler(Exception, _keep_http_errors)
    return app


def _receive() -> Response | None:
    """Log what came in, then let an ordered fault strike."""
    vendor = request.path.split("/")[1]
    if vendor not in VENDORS or request.path.startswith(f"/{vendor}/_"):
        return None
    world: World = request_world()
    g.request_id = world.log(
        vendor, request.method, request.full_path, dict(request.headers), request.get_data()
    )
    g.fault = world.next_fault(vendor, request.path)
    return _strike(g.fault)


def _strike(fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    if fault.kind == "slow":
        time.sleep(fault.seconds)
    if fault.kind == "drop_before":
        _drop_connection()
        return Response(status=503)
    if fault.kind == "answer":
        return Response(
            fault.body,
            fault.status,
            {"Content-Type": "application/json"} | (fault.headers or {}),
        )
    return None


def _answer(response: Response) -> Response:
    if "request_id" in g:
        request_world().answered(g.request_id, response.status_code)
        if g.fault is not None and g.fault.kind == "drop_after":
            _drop_connection()
        if g.fault is not None and g.fault.kind == "truncate":
            whole = response.get_data()
            response.set_data(whole[: len(whole) // 2])
        if g.fault is not None and g.fault.kind == "answer_after":
            return Response(g.fault.body, g.fault.status)
    return response


def _drop_connection() -> None:
    """Close the socket under the server, as a broken network would."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)


def _keep_http_errors(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException):
        return error
    raise error


def request_world() -> World:
    from flask import current_app

    return current_app.extensions["world"]


def local_settings() -> LocalSettings:
    from flask import current_app

    return current_app.extensions["local_settings"]
