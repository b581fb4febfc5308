"""What SES knows of an account, as it answers whoever looks: sandbox, identities, reports.

By itself all is well: out of the sandbox, every domain verified and signing, every configuration
set reporting to this machine's topic. A document of the world changes that, whose `facts` are
what SES would answer, or None where there is no such thing: `ses_account` under the key `account`,
`ses_identity` under the address or domain, `ses_configuration_set` and `ses_destinations` under
the set's name, `sns_topic` under its ARN.
"""

from __future__ import annotations

import hashlib
from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response, jsonify, request

from web.local import local_settings, request_world

blueprint = Blueprint("ses_console", __name__, url_prefix="/ses/v2/email")
sns_blueprint = Blueprint("sns_console", __name__, url_prefix="/ses")

EVENTS = ["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE",
          "DELIVERY_DELAY"]  # fmt: skip
Facts = dict[str, Any]


@blueprint.get("/account")
def get_account() -> Response:
    return _answer("ses_account", "account", account())


@blueprint.get("/identities/<name>")
def get_email_identity(name: str) -> Response:
    return _answer("ses_identity", name, None if "@" in name else domain(name))


@blueprint.get("/configuration-sets/<name>")
def get_configuration_set(name: str) -> Response:
    facts = {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": True}}
    return _answer("ses_configuration_set", name, facts)


@blueprint.get("/configuration-sets/<name>/event-destinations")
def get_event_destinations(name: str) -> Response:
    return _answer("ses_destinations", name, destinations(local_settings().sns_topic_arn))


@sns_blueprint.post("/", strict_slashes=False)
def get_topic_attributes() -> Response:
    """SNS by its query API."""
    arn = request.form.get("TopicArn", "")
    known = request_world().get("sns_topic", arn)
    facts = topic(arn) if known is None else known["facts"]
    if request.form.get("Action") != "GetTopicAttributes" or facts is None:
        text = "<Error><Type>Sender</Type><Code>NotFound</Code><Message>none</Message></Error>"
        return Response(f"<ErrorResponse>{text}</ErrorResponse>", 404, content_type="text/xml")
    entries = "".join(
        f"<entry><key>{escape(name)}</key><value>{escape(value)}</value></entry>"
        for name, value in facts.items()
    )
    text = (
        f"<GetTopicAttributesResult><Attributes>{entries}</Attributes></GetTopicAttributesResult>"
    )
    return Response(
        f"<GetTopicAttributesResponse>{text}</GetTopicAttributesResponse>", content_type="text/xml"
    )


def topic(arn: str) -> dict[str, str]:
    return {"TopicArn": arn, "SignatureVersion": "2", "SubscriptionsConfirmed": "1",
            "SubscriptionsPending": "0"}  # fmt: skip


def account() -> Facts:
    sent = request_world().count("outbox")
    return {
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "SendQuota": {"Max24HourSend": 50000, "MaxSendRate": 14, "SentLast24Hours": sent},
    }


def domain(name: str) -> Facts:
    tokens = [hashlib.sha256(f"{n}.{name}".encode()).hexdigest()[:32] for n in range(3)]
    return {
        "IdentityType": "DOMAIN",
        "VerifiedForSendingStatus": True,
        "VerificationStatus": "SUCCESS",
        "DkimAttributes": {
            "SigningEnabled": True,
            "Status": "SUCCESS",
            "Tokens": tokens,
            "SigningAttributesOrigin": "AWS_SES",
        },
        "MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
    }


def destinations(topic: str) -> Facts:
    told = {"Name": "sns", "Enabled": True, "MatchingEventTypes": EVENTS}
    return {"EventDestinations": [told | {"SnsDestination": {"TopicArn": topic}}]}


def _answer(kind: str, key: str, facts: Facts | None) -> Response:
    known = request_world().get(kind, key)
    facts = facts if known is None else known["facts"]
    if facts is None:
        response = jsonify(message=f"{key} does not exist.")
        response.status_code = 404
        response.headers["x-amzn-ErrorType"] = "NotFoundException"
        return response
    return jsonify(facts)
