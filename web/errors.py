"""What went wrong, on one page: one line and the cure. Webhooks get it as plain text."""

from __future__ import annotations

import psycopg
import structlog
from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from engine.errors import EngineError, NotAllowed, NotFound, TaskClosed
from engine.failures import place_of

log = structlog.get_logger()

CURES = {
    400: ("That request could not be read", "Go back, reload the page and try once more."),
    403: ("You may look but not act", "An admin can give you the right to."),
    404: ("There is nothing here", "The address may be mistyped, or what stood here is gone."),
    405: ("That does not work this way", "Go back and use the buttons of the page."),
    409: ("That is not possible any more", "Reload the page to see how things stand."),
    413: ("That is too much at once", "Shorten the text and try again."),
    429: ("Too many tries", "Wait a minute and try again."),
    500: (
        "Something broke on our side",
        "It has been logged. Try again; if it stays, look at the log.",
    ),
    503: ("The database cannot be reached", "Nothing is lost. Try again in a minute."),
}


def install(app: Flask) -> None:
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(NotFound, lambda error: page(404, error.detail))
    app.register_error_handler(NotAllowed, lambda error: page(403, error.detail))
    app.register_error_handler(TaskClosed, lambda error: page(409, error.detail))
    app.register_error_handler(EngineError, lambda error: page(400, str(error)))
    for lost in (psycopg.OperationalError, psycopg.InterfaceError):
        app.register_error_handler(lost, _database_lost)
    app.register_error_handler(Exception, _crashed)


def page(code: int, detail: str = "") -> Response:
    what, cure = CURES.get(code, CURES[400 if code < 500 else 500])
    if request.path.startswith("/webhooks/"):
        said = f"{what}: {detail}" if detail else what
        return Response(said + "\n", code, content_type="text/plain; charset=utf-8")
    made = make_response(
        render_template("error.html", code=code, what=what, cure=cure, detail=detail)
    )
    made.status_code = code
    return made


def _http(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:
        return make_response(error.get_response())
    made = page(code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            made.headers[name] = value
    return made


def _form_too_old(error: CSRFError) -> Response:
    log.info("form_refused", page=request.endpoint, why=error.description)
    return page(400, "This form has stood open too long, or cookies are off.")


def _database_lost(error: Exception) -> Response:
    log.error("database_unreachable", error=type(error).__name__, page=request.endpoint)
    response = page(503)
    response.headers["Retry-After"] = "30"
    return response


def _crashed(error: Exception) -> Response:
    # Its message may quote a customer; its type and place may not.
    log.error(
        "web_crashed", error=place_of(error), method=request.method, endpoint=request.endpoint
    )
    return page(500)
