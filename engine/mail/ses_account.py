"""What SES knows of us: the account, who may send, what is reported, and to which topic of SNS.
Only `bin/engine check` asks.

Each question is a read that needs a permission which sending does not; where the key lacks it,
`NotPermitted` names it. A throttled question is asked once more, for a read may be.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import RateLimited, Refused, Unauthorised, Unreachable
from engine.mail.ses_clients import Clients
from engine.mail.ses_errors import translate

SECONDS = 8.0
ONE_CALL = 5.0
# SES lets some questions be asked once a second.
THROTTLE_SECONDS = 1.1
MAY_NOT = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized"}
NOT_THERE = {"NotFound", "NotFoundException"}
SET_PERMISSIONS = ("ses:GetConfigurationSet", "ses:GetConfigurationSetEventDestinations")
DKIM_ZONE = "dkim.amazonses.com"


class NotPermitted(Unauthorised):
    """The key may not ask this."""

    code = "not_permitted"

    def __init__(self, *permissions: str) -> None:
        super().__init__("mail", " ".join(permissions))
        self.permissions = permissions


@dataclass(frozen=True, slots=True)
class Account:
    """`review` is what became of the request to leave the sandbox; `standing` is HEALTHY,
    PROBATION or SHUTDOWN; `per_day` is -1 where nothing limits it."""

    production: bool
    review: str
    sending: bool
    standing: str
    per_day: float
    sent: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Identity:
    """An address or a domain. `tokens` are the DKIM records' names; with `own_key` there is one,
    whose record is the owner's to write."""

    name: str
    verified: bool
    verification: str
    signs: bool
    dkim: str
    tokens: tuple[str, ...]
    dkim_zone: str
    own_key: bool
    mail_from: str
    mail_from_status: str
    refuses_without_mx: bool


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom mails come from: the address may be an identity, its domain, or both."""

    address: str
    own: Identity | None
    domain: Identity | None

    @property
    def verified(self) -> bool:
        return any(one.verified for one in (self.own, self.domain) if one)

    @property
    def signs(self) -> bool:
        """Whether SES is told to sign as the domain. An address's own setting prevails."""
        return bool(self.domain and self.domain.signs and (not self.own or self.own.signs))

    @property
    def mail_from(self) -> Identity | None:
        """The identity whose MAIL FROM domain is used, if there is one."""
        return next((one for one in (self.own, self.domain) if one and one.mail_from), None)


@dataclass(frozen=True, slots=True)
class Destination:
    name: str
    enabled: bool
    topic: str
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConfigurationSet:
    sending: bool
    destinations: tuple[Destination, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """`believed` is whether its posts are signed as `engine/mail/sns.py` wants it."""

    believed: bool
    confirmed: int
    pending: int


class SesAccount:
    """Its questions together take no longer than `seconds`."""

    def __init__(self, clients: Clients, *, seconds: float = SECONDS) -> None:
        self._clients = clients
        self._deadline = time.monotonic() + seconds

    def account(self) -> Account:
        said = self._ask("get_account") or {}
        quota = said.get("SendQuota") or {}
        return Account(
            production=bool(said.get("ProductionAccessEnabled")),
            review=((said.get("Details") or {}).get("ReviewDetails") or {}).get("Status", ""),
            sending=bool(said.get("SendingEnabled")),
            standing=said.get("EnforcementStatus", ""),
            per_day=quota.get("Max24HourSend", 0.0),
            sent=quota.get("SentLast24Hours", 0.0),
            per_second=quota.get("MaxSendRate", 0.0),
        )

    def sender(self, address: str) -> Sender:
        """A domain is covered by the identity of one above it, too."""
        own = self._identity(address)
        labels = address.rpartition("@")[2].split(".")
        above = (".".join(labels[n:]) for n in range(max(len(labels) - 1, 1)))
        found = (self._identity(name) for name in above)
        return Sender(address, own, next((one for one in found if one), None))

    def configuration_set(self, name: str) -> ConfigurationSet | None:
        try:
            return self._configuration_set(name)
        except NotPermitted:
            raise NotPermitted(*SET_PERMISSIONS) from None

    def _configuration_set(self, name: str) -> ConfigurationSet | None:
        said = self._ask("get_configuration_set", ConfigurationSetName=name)
        if said is None:
            return None
        asked = "get_configuration_set_event_destinations"
        listed = (self._ask(asked, ConfigurationSetName=name) or {}).get("EventDestinations")
        sending = (said.get("SendingOptions") or {}).get("SendingEnabled", True)
        return ConfigurationSet(bool(sending), tuple(map(_destination, listed or ())))

    def topic(self, arn: str, *, endpoint_url: str = "") -> Topic | None:
        region = arn.split(":")[3] if arn.count(":") >= 5 else ""
        if not region:
            return None
        client = self._clients.sns(self._left(), region=region, endpoint_url=endpoint_url)
        said = self._ask("get_topic_attributes", client, TopicArn=arn)
        if said is None:
            return None
        facts: Mapping[str, str] = said.get("Attributes") or {}
        return Topic(
            believed=facts.get("SignatureVersion", "1") == "2",
            confirmed=int(facts.get("SubscriptionsConfirmed") or 0),
            pending=int(facts.get("SubscriptionsPending") or 0),
        )

    def _identity(self, name: str) -> Identity | None:
        said = self._ask("get_email_identity", EmailIdentity=name)
        if said is None:
            return None
        dkim, mail_from = said.get("DkimAttributes") or {}, said.get("MailFromAttributes") or {}
        return Identity(
            name=name,
            verified=bool(said.get("VerifiedForSendingStatus")),
            verification=said.get("VerificationStatus", ""),
            signs=bool(dkim.get("SigningEnabled")),
            dkim=dkim.get("Status", ""),
            tokens=tuple(dkim.get("Tokens") or ()),
            dkim_zone=dkim.get("SigningHostedZone") or DKIM_ZONE,
            own_key=dkim.get("SigningAttributesOrigin") == "EXTERNAL",
            mail_from=mail_from.get("MailFromDomain", ""),
            mail_from_status=mail_from.get("MailFromDomainStatus", ""),
            refuses_without_mx=mail_from.get("BehaviorOnMxFailure") == "REJECT_MESSAGE",
        )

    def _ask(self, method: str, client: Any = None, **about: str) -> Mapping[str, Any] | None:
        """None where there is no such thing."""
        try:
            return self._call(method, client, about)
        except RateLimited:
            time.sleep(THROTTLE_SECONDS)
            return self._call(method, client, about)

    def _call(self, method: str, client: Any, about: Mapping[str, str]) -> Mapping[str, Any] | None:
        client = client or self._clients.within(self._left())
        try:
            return getattr(client, method)(**about)
        except Exception as error:
            try:
                translate(error)
            except Refused as refused:
                if refused.detail in NOT_THERE:
                    return None
                if refused.detail in MAY_NOT:
                    raise NotPermitted(_permission(client, method)) from None
                raise

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Unreachable("mail", "no_time_left")
        return min(ONE_CALL, left)


def _permission(client: Any, method: str) -> str:
    service = "sns" if client.meta.service_model.service_name == "sns" else "ses"
    return f"{service}:{client.meta.method_to_api_mapping[method]}"


def _destination(said: Mapping[str, Any]) -> Destination:
    return Destination(
        name=said.get("Name", ""),
        enabled=bool(said.get("Enabled")),
        topic=(said.get("SnsDestination") or {}).get("TopicArn", ""),
        events=frozenset(said.get("MatchingEventTypes") or ()),
    )
