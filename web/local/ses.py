"""Amazon SES v2 as boto3 speaks it: takes every mail, delivers none, forgets none.

Each accepted mail is a document of kind `outbox` in the world, key its id:

    id                 the MessageId that was answered
    number             1, 2, 3, … in the order of arrival
    at                 seconds since the epoch
    from, to           the envelope: an address, a list of addresses
    subject, text, html    decoded, as a mail program would show them
    headers            [name, value] pairs in the order of the message
    tags               the EmailTags, {name: value}
    configuration_set  or ''
    raw                the whole message, base64

What becomes of it is in `ses_reports.py`, and is posted to the engine by `sns.py`.
Two requests make two mails, whatever stands in them: that is how tests see a double send.
"""

from __future__ import annotations

import base64
import binascii
import email.policy
import re
import time
import uuid
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from flask import Blueprint, Response, jsonify, request

from web.local import local_settings, request_world, ses_reports, sns

blueprint = Blueprint("ses", __name__, url_prefix="/ses")

TAG = re.compile(r"[A-Za-z0-9_.@-]{1,256}")
LARGEST = 40 * 1024 * 1024


class _Error(Exception):
    """An error as AWS writes it: the code in a header, the message in JSON."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


@blueprint.errorhandler(_Error)
def _answer_error(error: _Error) -> Response:
    response = jsonify({"message": error.message})
    response.status_code = error.status
    response.headers["x-amzn-ErrorType"] = error.code
    return response


@blueprint.post("/v2/email/outbound-emails")
def send_email() -> Response:
    if not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256"):
        raise _Error(403, "MissingAuthenticationToken", "Missing Authentication Token")
    order = request.get_json(silent=True)
    if not isinstance(order, dict):
        raise _Error(400, "SerializationException", "Start of structure expected")
    raw = _raw(order)
    message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(raw)
    to = list((order.get("Destination") or {}).get("ToAddresses") or [])
    if not to:
        raise _Error(400, "BadRequestException", "Missing final recipient")
    world = request_world()
    message_id = f"{time.time_ns():020x}-{uuid.uuid4()}-000000"
    mail = {
        "id": message_id,
        "number": world.next_number("outbox"),
        "at": time.time(),
        "from": order.get("FromEmailAddress") or str(message.get("From", "")),
        "to": to,
        "subject": str(message.get("Subject", "")),
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "headers": [[name, str(value)] for name, value in message.items()],
        "tags": _tags(order),
        "configuration_set": order.get("ConfigurationSetName") or "",
        "raw": base64.b64encode(raw).decode("ascii"),
    }
    world.put("outbox", message_id, mail)
    for event in ses_reports.events(mail):
        sns.report(world, local_settings(), f"{request.host_url}ses", event)
    return jsonify({"MessageId": message_id})


@blueprint.get(f"/{sns.CERTIFICATE}")
def certificate() -> Response:
    return Response(sns.certificate(request_world()), content_type="application/x-pem-file")


@blueprint.get("/")
def confirm() -> Response:
    """SNS by its query API, as far as whoever subscribes needs it."""
    if request.args.get("Action") != "ConfirmSubscription" or not request.args.get("Token"):
        raise _Error(400, "InvalidParameter", "Only ConfirmSubscription is understood here")
    world, topic = request_world(), request.args.get("TopicArn", "")
    world.put("sns_subscription", request.args["Token"], {"topic": topic})
    return Response("<ConfirmSubscriptionResponse/>", content_type="text/xml")


def _raw(order: dict[str, Any]) -> bytes:
    content = (order.get("Content") or {}).get("Raw")
    if not isinstance(content, dict):
        raise _Error(400, "BadRequestException", "Only Content.Raw is understood here")
    try:
        raw = base64.b64decode(content.get("Data") or "", validate=True)
    except binascii.Error:
        raise _Error(400, "SerializationException", "Data is not base64") from None
    if not raw:
        raise _Error(400, "BadRequestException", "Raw message is empty")
    if len(raw) > LARGEST:
        raise _Error(400, "BadRequestException", "Message is too large")
    if b"\n" not in raw or b"from:" not in raw.lower():
        raise _Error(400, "BadRequestException", "Missing required header 'From'")
    return raw


def _tags(order: dict[str, Any]) -> dict[str, str]:
    tags = {tag.get("Name", ""): tag.get("Value", "") for tag in order.get("EmailTags") or []}
    for name, value in tags.items():
        if not TAG.fullmatch(name) or not TAG.fullmatch(value):
            raise _Error(400, "BadRequestException", "Invalid tag")
    return tags


def _part(message: EmailMessage, kind: str) -> str:
    """The text of one part; line breaks are the wire's business, so they are plain here."""
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):
        return ""
