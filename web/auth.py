"""Coming in and going out: by password, or by a link that works once.

Tries are counted by address and by e-mail, and an unknown e-mail takes as long as a
wrong password. A one-time link is a page with a button: whatever fetches links on its
own (a chat's preview, a mail scanner) uses nothing up.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user

from engine import attempts, passwords, sessions, sign_in_links, users
from engine.postgres import Connection
from web.current import runtime, signed_in
from web.signed_in import forget, keep

blueprint = Blueprint("auth", __name__)
log = structlog.get_logger()
Answer = Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@blueprint.get("/sign-in")
def sign_in() -> Answer | str:
    if current_user.is_authenticated:
        return make_response(redirect(_target()))
    return render_template("auth/sign_in.html", target=_target(), email="")


@blueprint.post("/sign-in")
def take_sign_in() -> Answer:
    email = request.form.get("email", "").strip()
    password = request.form.get("password", "")
    wait = _wait(email)
    if wait:
        said = f"Too many tries. Wait {wait} seconds, or use a sign-in link."
        return (*_refused(email, said, 429), {"Retry-After": str(wait)})
    with runtime().database.read() as conn:
        user = users.find(conn, email)
    # Not with a connection in hand: hashing takes its time, and takes turns.
    right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or user.disabled_at is not None:
        log.info("sign_in_refused", known=user is not None)
        return _refused(email, "This e-mail address and password do not belong together.", 401)
    log.info("signed_in", user=str(user.id), by="password")
    with runtime().database.transaction("sign_in") as conn:
        attempts.forget(conn, runtime().settings, attempts.BY_EMAIL, email)
        users.renew_hash(conn, user, password)
        return _come_in(conn, user.id)


@blueprint.post("/sign-out")
def sign_out() -> Answer:
    if current_user.is_authenticated:
        with runtime().database.transaction("sign_out") as conn:
            sessions.end(conn, signed_in().token_hash, signed_in().user.id)
    session.clear()
    flash("You are signed out.", "plain")
    response = make_response(redirect(url_for("auth.sign_in"), 303))
    forget(response)
    # What the browser still holds of customers' letters goes as well.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.get("/sign-in/link/<token>")
def link(token: str) -> Answer | str:
    with runtime().database.read() as conn:
        user_id = sign_in_links.user_of(conn, token)
        user = users.get(conn, user_id) if user_id else None
    if user is None:
        return render_template("auth/link_over.html"), 410
    return render_template("auth/link.html", user=user, token=token, target=_target())


@blueprint.post("/sign-in/link/<token>")
def take_link(token: str) -> Answer:
    with runtime().database.transaction("sign_in") as conn:
        user_id = sign_in_links.use(conn, token)
        if user_id is None:
            return render_template("auth/link_over.html"), 410
        log.info("signed_in", user=str(user_id), by="link")
        return _come_in(conn, user_id)


def _come_in(conn: Connection, user_id: UUID) -> Response:
    """A new sign-in, with nothing of what this browser held before."""
    if current_user.is_authenticated:
        sessions.end(conn, signed_in().token_hash, signed_in().user.id)
    device = request.headers.get("User-Agent", "")
    token = sessions.begin(conn, user_id, device=device)
    session.clear()
    session.permanent = True
    response = make_response(redirect(_target(), 303))
    keep(response, token)
    return response


def _wait(email: str) -> int:
    settings, address = runtime().settings, request.remote_addr or "unknown"
    with runtime().database.transaction("count_try") as conn:
        return max(
            attempts.take(conn, settings, attempts.BY_ADDRESS, address),
            attempts.take(conn, settings, attempts.BY_EMAIL, email),
        )


def _refused(email: str, said: str, code: int) -> tuple[str, int]:
    page = render_template("auth/sign_in.html", target=_target(), email=email, error=said)
    return page, code


def _target() -> str:
    """Where to go on: a path on this host, or the inbox."""
    wanted = request.values.get("next", "")
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if inside and wanted.isprintable() else url_for("inbox.index")
