"""Amazon SES by its v2 API: one request per mail, and the truth about what came of it.

SES has no idempotency key: an answer may leave in doubt whether a mail went out
(`ses_errors.py`). The effect key travels as a tag, which comes back in the SEND event and so
settles what was ambiguous.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from engine.errors import Ambiguous, Refused
from engine.mail import OutgoingMail
from engine.mail.addresses import Address
from engine.mail.composition import compose
from engine.mail.ses_clients import Clients
from engine.mail.ses_errors import translate
from engine.settings import Settings

EFFECT_TAG = "effect"


class Company(Protocol):
    """Of the business file: the name and address that mails come from."""

    @property
    def mail_from(self) -> MailFrom: ...


class MailFrom(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...


def from_settings(settings: Settings, company: Company) -> SesMailer:
    return SesMailer(
        Address(company.mail_from.name, company.mail_from.address),
        Clients.from_settings(settings),
        configuration_set=settings.ses_configuration_set,
    )


class SesMailer:
    """The Mailer port. Thread-safe."""

    def __init__(self, sender: Address, clients: Clients, *, configuration_set: str = "") -> None:
        self._sender = sender
        self._clients = clients
        self._configuration_set = configuration_set

    def prepare(self, timeout: float) -> None:
        self._clients.within(timeout)

    def send(self, mail: OutgoingMail, *, effect_key: str, timeout: float) -> str:
        raw = compose(mail, self._sender, effect_key)
        optional: dict[str, Any] = {}
        if self._configuration_set:
            optional["ConfigurationSetName"] = self._configuration_set
        client = self._clients.within(timeout)
        try:
            answer = client.send_email(
                FromEmailAddress=self._sender.address,
                Destination={"ToAddresses": [mail.to]},
                Content={"Raw": {"Data": raw}},
                EmailTags=[{"Name": EFFECT_TAG, "Value": tag_value(effect_key)}],
                **optional,
            )
        except Exception as error:
            translate(error)
        message_id = answer.get("MessageId")
        if not message_id:
            raise Ambiguous("mail", "no_message_id")
        return message_id


def wire_message_id(message_id: str, region: str) -> str:
    """The Message-ID that the customer's answer refers to: SES replaces ours by its own."""
    domain = "email" if region == "us-east-1" else region
    return f"<{message_id}@{domain}.amazonses.com>"


def tag_value(effect_key: str) -> str:
    """SES allows letters, digits, - and _ in a tag: other signs become _ and their code."""
    value = re.sub(r"[^A-Za-z0-9-]", lambda sign: f"_{ord(sign[0]):02x}", effect_key)
    if len(value) > 256 or not effect_key.isascii():
        raise Refused("mail", "effect_key_invalid")
    return value


def effect_key_of(tag: str) -> str:
    """What `tag_value` was made from."""
    return re.sub(r"_([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), tag)
