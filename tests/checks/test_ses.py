"""`bin/engine check` tells what SES knows of us, and what to do about it: asked by the real SDK."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from engine.checks.reports import EVENTS
from engine.settings import PROJECT
from tests.checks.conftest import ADDRESS, DOMAIN, SET, Office
from web.local import ses_console
from web.local.world import Fault

TOPIC = "arn:aws:sns:us-east-1:000000000000:mail"
OTHER = "arn:aws:sns:us-east-1:000000000000:other"
QUOTA = {"Max24HourSend": 50000, "MaxSendRate": 14, "SentLast24Hours": 12}
WELL = {
    "EnforcementStatus": "HEALTHY",
    "ProductionAccessEnabled": True,
    "SendingEnabled": True,
    "SendQuota": QUOTA,
}
SANDBOX = {
    "ProductionAccessEnabled": False,
    "SendQuota": {"Max24HourSend": 200, "MaxSendRate": 1, "SentLast24Hours": 3},
}


def review(status: str) -> dict[str, Any]:
    return {**SANDBOX, "Details": {"ReviewDetails": {"Status": status, "CaseId": "1"}}}


def test_all_is_well_at_the_stand_in(office: Office) -> None:
    assert office.said() == [
        f"ok mail: from {ADDRESS} by SES in us-east-1",
        "ok mail account: out of the sandbox; 0 of 50000 mails sent in the last 24 hours",
        f"ok mail identity: {DOMAIN} is verified and signs with DKIM",
        f"ok mail reports: {SET} reports to {TOPIC}",
        "SKIP DNS: not looked at, for SES is a stand-in here (SES_ENDPOINT_URL)",
    ]


def test_without_a_key_nobody_is_asked(office: Office) -> None:
    office.set(SES_ENDPOINT_URL="")
    assert office.said() == [
        "MISS mail: AWS_ACCESS_KEY_ID is empty: no mail can be sent, unless this machine has a"
        " role at AWS that may (docs/mail.md)"
    ]
    assert office.ses.requests("ses") == []


@pytest.mark.parametrize(
    ("facts", "mark", "wrong", "cure"),
    [
        (SANDBOX, "MISS", "sandbox in us-east-1", "→ Request production access"),
        (SANDBOX, "MISS", "verified addresses only, 200 a day", "SES → Account dashboard →"),
        (review("PENDING"), "MISS", "sandbox", "AWS has yet to decide"),
        (review("DENIED"), "MISS", "sandbox", "answer its case in the Support Center"),
        (review("FAILED"), "MISS", "sandbox", "make it again, SES → Account dashboard"),
        (
            {"SendingEnabled": False},
            "FAIL",
            "switched off in us-east-1",
            "aws sesv2 put-account-sending-attributes --sending-enabled --region us-east-1",
        ),
        (
            {"SendingEnabled": False, "EnforcementStatus": "SHUTDOWN"},
            "FAIL",
            "AWS has paused sending",
            "answer its case in the Support Center",
        ),
        ({"EnforcementStatus": "PROBATION"}, "MISS", "under review", "answer its case"),
        (
            {"SendQuota": QUOTA | {"Max24HourSend": 200, "SentLast24Hours": 200}},
            "FAIL",
            "all 200 mails of 24 hours are sent",
            "Service Quotas → Amazon SES → Sending quota",
        ),
        (
            {"SendQuota": QUOTA | {"MaxSendRate": 1}},
            "MISS",
            "SES_SENDS_PER_SECOND is 5",
            "Set SES_SENDS_PER_SECOND=1",
        ),
    ],
)
def test_what_is_wrong_with_the_account(
    office: Office, facts: dict[str, Any], mark: str, wrong: str, cure: str
) -> None:
    office.set(SES_SENDS_PER_SECOND=5)
    office.knows("ses_account", "account", {**WELL, **facts})
    told = office.told("mail account")
    assert any(one.startswith(f"{mark}: ") and wrong in one and cure in one for one in told), told
    assert not any(one.startswith("ok") for one in told)


def test_an_account_without_a_limit_names_none(office: Office) -> None:
    office.knows("ses_account", "account", {**WELL, "SendQuota": QUOTA | {"Max24HourSend": -1}})
    (told,) = office.told("mail account")
    assert told == "ok: out of the sandbox; 12 mails sent in the last 24 hours"


def test_in_live_mode_the_sandbox_is_a_failure(office: Office) -> None:
    office.set(MODE="live")
    office.knows("ses_account", "account", {**WELL, **SANDBOX})
    (told,) = office.told("mail account")
    assert told.startswith("FAIL: is in the sandbox")


@pytest.mark.parametrize("verified", [True, False])
def test_a_rehearsal_in_the_sandbox_goes_to_a_verified_address(
    office: Office, verified: bool
) -> None:
    office.set(MODE="rehearsal", REHEARSAL_ADDRESS="me@home.example")
    office.knows("ses_account", "account", {**WELL, **SANDBOX})
    office.knows("ses_identity", "home.example", None)
    if verified:
        office.identity("me@home.example")
    told = office.told("rehearsal")
    assert told == [] if verified else "me@home.example is not verified" in told[0]
    assert verified or "Create identity, type Email address" in told[0]


# -- the identity -------------------------------------------------------------------


def test_an_unknown_sender_is_told_with_what_to_create(office: Office) -> None:
    office.knows("ses_identity", DOMAIN, None)
    (told,) = office.told("mail identity")
    assert told == (
        f"FAIL: SES in us-east-1 knows neither {DOMAIN} nor {ADDRESS}, so it refuses every mail:"
        f" SES → Identities → Create identity, type Domain, {DOMAIN}, with Easy DKIM; or mend"
        " mail_from in seeds/business.yaml"
    )


def test_a_domain_above_covers_the_sender(office: Office) -> None:
    office.send_from(f"office@news.{DOMAIN}")
    office.knows("ses_identity", f"news.{DOMAIN}", None)
    assert office.told("mail identity") == [f"ok: {DOMAIN} is verified and signs with DKIM"]


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("PENDING", "put the DKIM records of SES → Identities → company.example"),
        ("FAILED", "→ company.example → DKIM → Edit, and SES looks again"),
    ],
)
def test_a_domain_that_is_not_verified(office: Office, status: str, cure: str) -> None:
    office.identity(VerifiedForSendingStatus=False, VerificationStatus=status)
    (told,) = office.told("mail identity")
    assert told.startswith(f"FAIL: {DOMAIN} is not verified: ")
    assert cure in told


def test_an_address_alone_does_not_pass_dmarc(office: Office) -> None:
    office.knows("ses_identity", DOMAIN, None)
    office.identity(ADDRESS)
    (told,) = office.told("mail identity")
    assert told.startswith(f"MISS: only {ADDRESS} is an identity, so its mails are not signed as")
    assert told.endswith(f"Create identity, type Domain, {DOMAIN}, with Easy DKIM")


def test_an_address_that_is_not_verified_is_told_of_the_link(office: Office) -> None:
    office.knows("ses_identity", DOMAIN, None)
    office.identity(ADDRESS, VerifiedForSendingStatus=False)
    told, _ = office.told("mail identity")
    assert told.startswith(f"FAIL: {ADDRESS} is not verified: follow the link in the mail")
    assert told.endswith(f"SES → Identities → {ADDRESS} → Resend")


def test_signing_that_is_switched_off(office: Office) -> None:
    office.identity(DkimAttributes={"SigningEnabled": False})
    (told,) = office.told("mail identity")
    assert told == (
        f"MISS: {DOMAIN} does not sign with DKIM: SES → Identities → {DOMAIN} → DKIM → Edit → DKIM"
        " signatures: Enabled"
    )


def test_an_address_that_does_not_sign_though_its_domain_does(office: Office) -> None:
    office.identity(ADDRESS, DkimAttributes={"SigningEnabled": False})
    (told,) = office.told("mail identity")
    assert told.startswith(f"MISS: {ADDRESS} does not sign with DKIM: ")
    assert told.endswith(f"or delete it, for {DOMAIN} covers it")


# -- what is reported ---------------------------------------------------------------


def destination(**changed: Any) -> dict[str, Any]:
    (told,) = ses_console.destinations(TOPIC)["EventDestinations"]
    return {"EventDestinations": [told | changed]}


@pytest.mark.parametrize("name", ["SES_CONFIGURATION_SET", "SNS_TOPIC_ARN"])
def test_that_nothing_is_reported_is_told(office: Office, name: str) -> None:
    office.set(**{name: ""})
    (told,) = office.told("mail reports")
    assert told == (
        f"MISS: {name} is empty: bounces and complaints are not heard of (docs/mail.md, 2)"
    )


def test_a_set_that_is_not_there_stops_every_mail(office: Office) -> None:
    office.knows("ses_configuration_set", SET, None)
    (told,) = office.told("mail reports")
    assert told.startswith(f"FAIL: SES in us-east-1 has no configuration set {SET}, so it refuses")
    assert told.endswith("→ Create set, or mend SES_CONFIGURATION_SET")


def test_a_set_whose_sending_is_off(office: Office) -> None:
    office.knows("ses_configuration_set", SET, {"SendingOptions": {"SendingEnabled": False}})
    (told,) = office.told("mail reports")
    assert told == (
        f"FAIL: sending is switched off for {SET}: aws sesv2 put-configuration-set-sending-options"
        f" --configuration-set-name {SET} --sending-enabled --region us-east-1"
    )


@pytest.mark.parametrize(
    ("facts", "wrong", "cure"),
    [
        (
            {"EventDestinations": []},
            "does not report to SNS_TOPIC_ARN, so",
            f"→ Add destination, Amazon SNS, {TOPIC}",
        ),
        (
            destination(SnsDestination={"TopicArn": OTHER}),
            f"does not report to SNS_TOPIC_ARN (it does to {OTHER})",
            f"→ Add destination, Amazon SNS, {TOPIC}",
        ),
        (destination(Enabled=False), "destination sns is switched off", "→ sns → Enable"),
        (
            destination(MatchingEventTypes=["SEND", "BOUNCE", "REJECT", "COMPLAINT"]),
            "does not report Delivery delay, Rendering failure",
            "→ sns → Edit, and tick them",
        ),
        (
            destination(MatchingEventTypes=[*ses_console.EVENTS, "CLICK"]),
            "for which SES changes the mail that was approved",
            "untick Open and Click",
        ),
    ],
)
def test_what_is_wrong_with_the_destination(
    office: Office, facts: dict[str, Any], wrong: str, cure: str
) -> None:
    office.knows("ses_destinations", SET, facts)
    (told,) = office.told("mail reports")
    assert told.startswith("MISS: ")
    assert wrong in told
    assert f"SES → Configuration sets → {SET} → Event destinations" in told
    assert told.endswith(cure)


FORMER = {"SubscriptionsConfirmed": "1"}
"""A topic whose version is not told has the first one."""


@pytest.mark.parametrize(
    ("facts", "wrong", "cure"),
    [
        (None, f"SNS has no topic {TOPIC}", "mend SNS_TOPIC_ARN"),
        (
            FORMER,
            "the topic signs in the old way, which is not believed",
            f"aws sns set-topic-attributes --topic-arn {TOPIC} --attribute-name SignatureVersion"
            " --attribute-value 2",
        ),
        (
            ses_console.topic(TOPIC) | {"SubscriptionsConfirmed": "0"},
            "nobody is subscribed to the topic, so bounces are not heard of",
            "Create subscription, HTTPS, https://office.company.example/webhooks/ses",
        ),
        (
            ses_console.topic(TOPIC) | {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "1"},
            "nobody has confirmed a subscription to the topic",
            "SNS → Subscriptions → Request confirmation",
        ),
    ],
)
def test_what_is_wrong_with_the_topic(
    office: Office, facts: dict[str, Any] | None, wrong: str, cure: str
) -> None:
    office.set(WEB_BASE_URL="https://office.company.example")
    office.knows("sns_topic", TOPIC, facts)
    (told,) = office.told("mail reports")
    assert told.startswith(f"MISS: {wrong}")
    assert cure in told


def test_a_topic_that_is_none_is_told(office: Office) -> None:
    office.set(SNS_TOPIC_ARN="mail")
    assert any("SNS has no topic mail" in one for one in office.told("mail reports"))


def test_beside_a_stand_in_for_ses_no_real_topic_is_asked_about(office: Office) -> None:
    office.set(SNS_ENDPOINT_URL="")
    assert office.told("mail account")[0].startswith("ok")
    assert office.told("mail reports") == [f"ok: {SET} reports to {TOPIC}"]


def test_the_kinds_that_are_asked_for_are_those_that_the_docs_name() -> None:
    section = (PROJECT / "docs" / "mail.md").read_text()
    assert f"*{', '.join(EVENTS.values())}*" in " ".join(section.split())


def test_the_docs_name_every_permission_that_a_look_needs(office: Office) -> None:
    office.may_only_send()
    (told,) = [one for one in office.told("mail account") if one.startswith("SKIP")]
    policy = (PROJECT / "docs" / "mail.md").read_text()
    asked = re.findall(r"s[en]s:\w+", told)
    assert len(asked) == 5
    assert '"ses:SendRawEmail"' in policy
    assert [one for one in asked if f'"{one}"' not in policy] == []


# -- who may not ask, and who does not answer ---------------------------------------


def test_a_key_that_may_only_send_is_no_fault(office: Office) -> None:
    office.may_only_send()
    said = office.said()
    assert not [one for one in said if one.startswith(("FAIL", "MISS"))]
    assert said[1:3] == [
        f"ok mail reports: {TOPIC}",
        "SKIP mail account: the key may not ask SES everything, which sending does not need; the"
        " permissions ses:GetAccount, ses:GetEmailIdentity, ses:GetConfigurationSet,"
        " ses:GetConfigurationSetEventDestinations, sns:GetTopicAttributes would show the rest"
        " (docs/mail.md, 1)",
    ]


def test_only_what_may_not_be_asked_is_left_out(office: Office) -> None:
    office.refuses("/v2/email/account", "AccessDeniedException")
    assert office.told("mail identity") == [f"ok: {DOMAIN} is verified and signs with DKIM"]
    (told,) = office.told("mail account")
    assert "the permissions ses:GetAccount would" in told


def test_a_key_that_is_wrong_is_told_once(office: Office) -> None:
    office.refuses("/v2/email/", "UnrecognizedClientException")
    (told,) = office.told("mail account")
    assert told.startswith("FAIL: SES does not accept the key (UnrecognizedClientException): ")
    assert told.endswith("and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    assert len(office.ses.requests("ses")) == 1


def test_nobody_at_the_address_is_told_once_and_at_once(office: Office) -> None:
    office.set(SES_ENDPOINT_URL="http://127.0.0.1:9")
    began = time.monotonic()
    (told,) = office.told("mail account")
    assert told.startswith("FAIL: SES in us-east-1 could not be asked (EndpointConnectionError): ")
    assert told.endswith("check the network and SES_REGION, then run this again")
    assert time.monotonic() - began < 5


def test_an_answer_that_does_not_come_ends_the_questions(office: Office) -> None:
    office.ses.order(Fault("ses", "slow", seconds=8, times=9))
    began = time.monotonic()
    (told,) = office.told("mail account")
    assert told.startswith("FAIL: SES in us-east-1 could not be asked (ReadTimeoutError)")
    assert time.monotonic() - began < 9


def test_a_question_that_is_throttled_is_asked_once_more(office: Office) -> None:
    office.refuses("/identities/", "TooManyRequestsException", 429, times=1)
    assert office.told("mail identity") == [f"ok: {DOMAIN} is verified and signs with DKIM"]
