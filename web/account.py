"""One's own account: theme, password, and the devices that are signed in."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from engine import attempts, passwords, sessions, users
from engine.passwords import PasswordRefused
from web.current import runtime, signed_in
from web.devices import device_name

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
def index() -> str:
    return _page()


@blueprint.post("/theme")
def set_theme() -> Redirect:
    with runtime().database.statement("set_theme") as conn:
        users.set_theme(conn, signed_in().user.id, request.form.get("theme", ""))
    return redirect(url_for("account.index"), 303)


@blueprint.post("/password")
def set_password() -> Redirect | Response | tuple[str, int]:
    """One's own, a viewer's too. Who has one already must know it; the other devices are
    signed out."""
    me = signed_in()
    now, new = request.form.get("now", ""), request.form.get("new", "")
    settings = runtime().settings
    with runtime().database.statement("count_try") as conn:
        wait = attempts.take(conn, settings, attempts.BY_EMAIL, me.user.email)
    if wait:
        return _page(f"Too many tries. Wait {wait} seconds."), 429
    if me.user.password_hash and not passwords.matches(me.user.password_hash, now):
        return _page("That is not your present password."), 422
    try:
        with runtime().database.transaction("set_password") as conn:
            users.set_password(conn, me.user.id, new, by=me.person, but=me.token_hash)
    except PasswordRefused as refused:
        return _page(f"Choose another one: {refused.detail}."), 422
    flash("Your password is changed. Every other device is signed out.", "good")
    return redirect(url_for("account.index"), 303)


@blueprint.post("/devices/<token_hash>/sign-out")
def end_session(token_hash: str) -> Redirect:
    me = signed_in()
    try:
        named = bytes.fromhex(token_hash)
    except ValueError:
        named = b""
    with runtime().database.statement("end_session") as conn:
        if sessions.end(conn, named, me.user.id):
            flash("That device is signed out.", "good")
    return redirect(url_for("account.index"), 303)


def _page(error: str = "") -> str:
    me = signed_in()
    with runtime().database.read() as conn:
        devices = sessions.of_user(conn, me.user.id)
    return render_template(
        "account/index.html",
        devices=[(device, device_name(device.device)) for device in devices],
        shortest=passwords.SHORTEST,
        error=error,
    )
