"""The frame of the stand-ins and their plain pages: what was sent, what is stored, what
was asked, a lead to send, and faults to order.

Nothing here is on the engine's path. Pages are server-made; `static/live.js` fetches the
part marked `data-live` again every two seconds, so that what happens is seen happening.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for

from web.local import VENDORS, local_settings, request_world
from web.local.faults import PRESETS, read_fault
from web.local.leads import drop_mail, drop_raw, post_lead
from web.local.request_log import line

blueprint = Blueprint("pages", __name__)

CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'"
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
SHOWN_REQUESTS = 200
PlainReply = Response | tuple[Response, int]


@blueprint.before_app_request
def refuse_other_sites() -> None:
    """A page elsewhere on the web must not be able to press buttons here."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)


@blueprint.after_app_request
def guard(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    return response


@blueprint.app_template_filter("moment")
def moment(at: float) -> str:
    return time.strftime("%b %d, %H:%M:%S", time.localtime(at))


@blueprint.get("/")
def index() -> str:
    world = request_world()
    counts = {
        "slack": world.count("slack_message"),
        "outbox": world.count("outbox"),
        "crm": world.count("crm_customer"),
    }
    return render_template("index.html", here="index", settings=local_settings(), counts=counts)


@blueprint.get("/outbox/")
def outbox() -> str:
    mails = list(reversed(request_world().all("outbox")))
    return render_template("outbox.html", here="outbox", mails=mails)


@blueprint.get("/outbox/<key>/html")
def outbox_html(key: str) -> Response:
    """A mail's HTML part, shut in: no script, nothing fetched, no way out of its frame."""
    mail = next((m for m in request_world().all("outbox") if str(m.get("id")) == key), None)
    if mail is None:
        abort(404)
    response = Response(str(mail.get("html") or ""), mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@blueprint.get("/crm-list/")
def crm_list() -> str:
    world = request_world()
    return render_template(
        "crm_list.html",
        here="crm",
        customers=world.all("crm_customer"),
        interactions=list(reversed(world.all("crm_interaction"))),
    )


@blueprint.get("/requests/")
def requests() -> str:
    wanted = request.args.get("vendor", "")
    rows = request_world().requests(wanted)
    return render_template(
        "requests.html",
        here="requests",
        lines=[line(row) for row in reversed(rows[-SHOWN_REQUESTS:])],
        total=len(rows),
        vendor=wanted,
        vendors=VENDORS,
        presets=PRESETS,
    )


@blueprint.post("/_local/faults")
def order_fault() -> PlainReply | Any:
    """From a program as JSON, from the page as a form."""
    given: dict[str, Any] = request.get_json() if request.is_json else request.form.to_dict()
    try:
        fault = read_fault(given)
    except ValueError as error:
        return jsonify(ok=False, error=str(error)), 400
    request_world().order(fault)
    if request.is_json:
        return jsonify(ok=True), 201
    return redirect(url_for("pages.requests"), 303)


@blueprint.delete("/_local/faults")
def clear_faults() -> Response:
    request_world().clear_faults()
    return jsonify(ok=True)


@blueprint.post("/_local/faults/clear")
def clear_faults_by_form() -> Any:
    request_world().clear_faults()
    return redirect(url_for("pages.requests"), 303)


@blueprint.get("/lead/")
def lead() -> str:
    return render_template("lead.html", here="lead", settings=local_settings(), said=None)


@blueprint.post("/lead/")
def send_lead() -> str:
    """`how`: form (the website's, signed), mail (written here), raw (a whole message)."""
    settings, how = local_settings(), request.form.get("how", "form")
    if how == "raw":
        upload = request.files.get("file")
        raw = upload.read() if upload and upload.filename else request.form["raw"].encode()
        said = drop_raw(settings, raw)
    elif how == "mail":
        said = drop_mail(settings, request.form)
    else:
        said = post_lead(settings, request.form)
    return render_template("lead.html", here="lead", settings=settings, said=said)
