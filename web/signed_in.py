"""Who is signed in: read from the cookie at each request, never from the cookie alone.

The cookie holds a sign-in's random token and nothing else; the table `sessions` says
whose it is and whether it still counts. The door is shut by default: a view is public
only where its blueprint is listed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, Request, Response, current_app, flash, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response as Redirect

from engine import sessions, users
from engine.people import Person
from engine.runtime import Runtime
from engine.users import User

PUBLIC = frozenset(
    {"auth", "health", "webhooks_slack", "webhooks_leads", "webhooks_ses", "unsubscribe"}
)
Answer = Redirect | tuple[Response | str, int]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user and the sign-in by which they speak."""

    user: User
    token_hash: bytes
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return str(self.user.id)

    @property
    def person(self) -> Person:
        return users.person(self.user, "web")


def install(app: Flask) -> None:
    login = LoginManager()
    login.session_protection = None  # pyright: ignore[reportAttributeAccessIssue] # it would look at the client's own cookie
    login.request_loader(_load)
    login.unauthorized_handler(_unauthorized)
    # Its context processor would ask the database on every page, error pages too.
    login.init_app(app, add_context_processor=False)
    app.before_request(_door)


def cookie_name(secure: bool) -> str:
    """`__Host-` binds a cookie to this very host, and browsers take it over TLS only."""
    return "__Host-signed-in" if secure else "signed-in"


def keep(response: Response, token: str) -> None:
    """Give the browser a new sign-in's token."""
    secure: bool = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(
        cookie_name(secure),
        token,
        max_age=sessions.LONGEST,
        secure=secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def forget(response: Response) -> None:
    secure: bool = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(
        cookie_name(secure),
        "",
        max_age=timedelta(0),
        secure=secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def _load(request: Request) -> SignedIn | None:
    token = request.cookies.get(cookie_name(current_app.config["SESSION_COOKIE_SECURE"]))
    if not token:
        return None
    runtime: Runtime = current_app.extensions["runtime"]
    with runtime.database.statement("seen") as conn:
        user_id = sessions.user_of(conn, token)
        if user_id is None:
            return None
        g.me = SignedIn(users.get(conn, user_id), sessions.hash_of(token))
    return g.me


def _door() -> Answer | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    if request.blueprints and request.blueprints[-1] in PUBLIC:
        return None
    return None if current_user.is_authenticated else _unauthorized()


def _unauthorized() -> Answer:
    """To the sign-in page and back again; a poll in the background is only told."""
    if "turbo-stream" in request.headers.get("Accept", "") and request.method == "GET":
        return "", 401
    flash("Please sign in.", "plain")
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.sign_in", next=target if target != "/" else None), 303)
