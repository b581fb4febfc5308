"""Whether what SES reports arrives, judged: the configuration set and the topic of SNS."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks.finding import Finding, fail, miss
from engine.mail.ses_account import ConfigurationSet, Topic

# What the engine acts on (engine/mail_events.py), as SES names it here and in its console.
EVENTS = {
    "SEND": "Send",
    "REJECT": "Reject",
    "BOUNCE": "Bounce",
    "COMPLAINT": "Complaint",
    "DELIVERY_DELAY": "Delivery delay",
    "RENDERING_FAILURE": "Rendering failure",
}
# For these SES puts a picture into the mail and leads its links elsewhere.
TRACKING = {"OPEN", "CLICK"}


def of_set(found: ConfigurationSet | None, name: str, topic: str, region: str) -> Iterator[Finding]:
    if found is None:
        yield fail(
            "mail reports",
            f"SES in {region} has no configuration set {name}, so it refuses every mail: SES →"
            " Configuration sets → Create set, or mend SES_CONFIGURATION_SET",
        )
        return
    if not found.sending:
        yield fail(
            "mail reports",
            f"sending is switched off for {name}: aws sesv2 put-configuration-set-sending-options"
            f" --configuration-set-name {name} --sending-enabled --region {region}",
        )
    where = f"SES → Configuration sets → {name} → Event destinations"
    ours = [one for one in found.destinations if one.topic == topic]
    heard = {event for one in ours if one.enabled for event in one.events}
    lacking = [told for event, told in EVENTS.items() if event not in heard]
    if not ours:
        others = ", ".join(sorted({one.topic for one in found.destinations if one.topic}))
        instead = f" (it does to {others})" if others else ""
        yield miss(
            "mail reports",
            f"{name} does not report to SNS_TOPIC_ARN{instead}, so bounces are not heard of:"
            f" {where} → Add destination, Amazon SNS, {topic}",
        )
    elif not any(one.enabled for one in ours):
        yield miss(
            "mail reports",
            f"the destination {ours[0].name} is switched off, so bounces are not heard of:"
            f" {where} → {ours[0].name} → Enable",
        )
    elif lacking:
        yield miss(
            "mail reports",
            f"{name} does not report {', '.join(lacking)}: {where} → {ours[0].name} → Edit, and"
            " tick them",
        )
    if any(one.enabled and one.events & TRACKING for one in found.destinations):
        yield miss(
            "mail reports",
            f"{name} reports opens or clicks, for which SES changes the mail that was approved"
            f" and leads its links elsewhere: {where}, and untick Open and Click",
        )


def of_topic(found: Topic | None, topic: str, web_base_url: str) -> Iterator[Finding]:
    if found is None:
        yield miss(
            "mail reports",
            f"SNS has no topic {topic}, so bounces are not heard of: mend SNS_TOPIC_ARN, or SNS →"
            " Topics → Create topic, type Standard",
        )
        return
    if not found.believed:
        yield miss(
            "mail reports",
            "the topic signs in the old way, which is not believed: aws sns set-topic-attributes"
            f" --topic-arn {topic} --attribute-name SignatureVersion --attribute-value 2",
        )
    if not found.confirmed:
        cure = f"SNS → Subscriptions → Create subscription, HTTPS, {web_base_url}/webhooks/ses"
        if found.pending:
            cure = "a running worker confirms it within a minute; where it has not, SNS →"
            cure = f"{cure} Subscriptions → Request confirmation"
        state = "nobody has confirmed a subscription" if found.pending else "nobody is subscribed"
        yield miss("mail reports", f"{state} to the topic, so bounces are not heard of: {cure}")
