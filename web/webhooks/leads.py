"""The company's web form: signed, checked, stored, and answered with 202.

    X-Engine-Signature: t=<unix time>,v1=<hex HMAC-SHA256 of "<t>.<body>">

by WEBHOOK_SECRET. A signature is good for five minutes; the same form twice is one lead.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time

import structlog
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from engine import deliveries, intake, lead_forms
from engine.errors import EngineError
from engine.lead_forms import LeadFormInvalid
from web.current import runtime
from web.webhooks import raw_body

blueprint = Blueprint("webhooks_leads", __name__, url_prefix="/webhooks")
log = structlog.get_logger()

TOLERANCE_SECONDS = 300
LONGEST_FORM = 256 * 1024
SIGNATURE = re.compile(r"t=([0-9]{1,12}),\s*v1=([0-9a-f]{64})", re.ASCII)


class LeadSignatureInvalid(EngineError):
    """The post does not carry a valid signature."""

    code = "signature_invalid"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The header's value, as the form makes it."""
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


@blueprint.post("/leads")
def take_lead() -> tuple[Response, int]:
    try:
        body = raw_body(LONGEST_FORM)
        _verify(request.headers.get("X-Engine-Signature", ""), body)
        lead_forms.read(body)
    except RequestEntityTooLarge:
        return jsonify(error=f"longer than {LONGEST_FORM // 1024} KB"), 413
    except LeadSignatureInvalid as error:
        log.warning("lead_signature_refused", why=error.detail)
        return jsonify(error=f"X-Engine-Signature: {error.detail}"), 401
    except LeadFormInvalid as error:
        return jsonify(error=error.detail), 400
    settings = runtime().settings
    key = intake.lead_key(body)
    with runtime().database.transaction("accept") as conn:
        new = deliveries.accept(conn, settings, source="lead_form", key=key, body=body)
    return jsonify(accepted=True, new=new), 202


def _verify(header: str, body: bytes) -> None:
    secret = runtime().settings.webhook_secret.get_secret_value()
    if not secret:
        # Anybody can sign with an empty secret.
        raise LeadSignatureInvalid("WEBHOOK_SECRET is not set here")
    given = SIGNATURE.fullmatch(header.strip())
    if given is None:
        raise LeadSignatureInvalid("missing, or not t=<unix time>,v1=<hex>")
    timestamp = int(given[1])
    if abs(time.time() - timestamp) > TOLERANCE_SECONDS:
        raise LeadSignatureInvalid("more than five minutes old, or from the future")
    if not hmac.compare_digest(sign(secret, timestamp, body), f"t={timestamp},v1={given[2]}"):
        raise LeadSignatureInvalid("made with another secret, or of another body")
