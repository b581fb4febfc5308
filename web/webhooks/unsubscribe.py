"""Unsubscribing: one click in the mail program (RFC 8058), or a button on a page.

Looking changes nothing, for mail scanners open every link; the POST does, without a
cookie, a sign-in or a form's token, for the mail program has none of them.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from engine import suppressions
from engine.mail.unsubscribe import contact_of
from web.current import runtime

blueprint = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe")


@blueprint.get("/<token>")
def ask(token: str) -> tuple[str, int]:
    known = contact_of(runtime().settings, token) is not None
    return _page("asked" if known else "unknown"), 200 if known else 404


@blueprint.post("/<token>")
def take(token: str) -> tuple[str, int]:
    contact = contact_of(runtime().settings, token)
    if contact is None:
        return _page("unknown"), 404
    here = runtime()
    with here.database.transaction("suppress") as conn:
        suppressions.stop_writing(conn, here.settings, contact, "unsubscribed", actor="unsubscribe")
    return _page("done"), 200


def _page(state: str) -> str:
    return render_template("unsubscribe.html", state=state)
