"""Whom to answer: the person behind a mail, who need not be the address it came from.

Web forms and lead portals write from addresses that nobody reads. Then it is Reply-To, or
the field that the owner's rule for that sender names; where neither gives an address that
can be written to, there is no recipient and the card asks. A model never decides this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.mail import InboundMail
from engine.mail.addresses import BARE, among, deliverable, is_no_reply
from engine.mail.charsets import one_line

Source = Literal["reply_to", "from", "form_field"]
LINES_SEARCHED = 500
# What may stand between a label and its value, and around a label in markdown.
SEPARATOR = re.compile(r"\s*[*_]{0,2}\s*([:=|\t]|[-–—]\s|\s{2,})\s*[*_]{0,2}")
DECORATION = re.compile(r"^[\s>*_•·-]+")


class FormRelay(BaseModel):
    """The owner's rule for one sender that writes on behalf of customers (a web form, a
    lead portal). Labels are as they stand in its mails: `Email`, `Your e-mail:`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    sender: Annotated[str, Field(alias="from", description="address, or *@domain")]
    email_field: str = ""
    name_field: str = ""
    phone_field: str = ""

    @field_validator("sender")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        value = value.strip().lower()
        domain = value.rpartition("@")[2]
        if not (deliverable(value) or (value.startswith("*@") and deliverable(f"x@{domain}"))):
            raise ValueError("must be an address, or *@ and a domain")
        return value

    def covers(self, address: str) -> bool:
        address = address.lower()
        if self.sender.startswith("*@"):
            return address.endswith(self.sender[1:])
        return address == self.sender


@dataclass(frozen=True, slots=True)
class Recipient:
    """`name` and `phone` may be empty; `source` says where the address was found."""

    address: str
    name: str
    phone: str
    source: Source


def recipient(
    mail: InboundMail, relays: Sequence[FormRelay] = (), own_addresses: frozenset[str] = frozenset()
) -> Recipient | None:
    """The person to answer, or None where nobody can be named without asking."""
    relay = relay_for(mail, relays)
    if relay is not None:
        return _behind_relay(mail, relay, own_addresses)
    if address := _usable(mail.reply_to, own_addresses):
        return Recipient(address, _person(mail), "", "reply_to")
    if "no_from" in mail.defects:
        return None  # the sender is then an envelope address: no person gave it to us
    if address := _usable(mail.sender, own_addresses):
        return Recipient(address, _person(mail), "", "from")
    return None


def relay_for(mail: InboundMail, relays: Sequence[FormRelay]) -> FormRelay | None:
    return next((relay for relay in relays if relay.covers(mail.sender)), None)


def _behind_relay(
    mail: InboundMail, relay: FormRelay, own_addresses: frozenset[str]
) -> Recipient | None:
    name = _readable_name(form_field(mail.text, relay.name_field))
    phone = _phone(form_field(mail.text, relay.phone_field))
    written = BARE.search(form_field(mail.text, relay.email_field))
    if written and (address := _usable(written[0].strip(".'"), own_addresses)):
        return Recipient(address, name, phone, "form_field")
    if (address := _usable(mail.reply_to, own_addresses)) and not relay.covers(address):
        return Recipient(address, name, phone, "reply_to")
    return None


def form_field(text: str, label: str) -> str:
    """What stands behind a label in the body of a form's mail, or in the next line."""
    wanted = _plain(label)
    if not wanted:
        return ""
    lines = [line for line in text.split("\n")[:LINES_SEARCHED] if line.strip()]
    for number, line in enumerate(lines):
        value = _value(line, wanted)
        if value is None:
            continue
        return value or (one_line(lines[number + 1]) if number + 1 < len(lines) else "")
    return ""


def _value(line: str, wanted: str) -> str | None:
    line = DECORATION.sub("", line[:1000])
    if _plain(line) == wanted:
        return ""
    if not line.lower().startswith(wanted):
        return None
    found = SEPARATOR.match(line, len(wanted))
    return one_line(line[found.end() :].strip("*_ \t")) if found else None


def _plain(label: str) -> str:
    return DECORATION.sub("", label).strip(" \t:*_=|").lower()


def _usable(address: str, own_addresses: frozenset[str]) -> str:
    if not address or is_no_reply(address) or among(address, own_addresses):
        return ""
    return deliverable(address)


def _person(mail: InboundMail) -> str:
    return "" if is_no_reply(mail.sender) else _readable_name(mail.sender_name)


def _readable_name(name: str) -> str:
    """A name as one may greet with; an address or a link in its place is none."""
    name = one_line(name).strip("*_\"'<> ")
    return "" if re.search(r"@|://|www\.", name) else name[:100]


def _phone(text: str) -> str:
    found = re.search(r"\+?[\d(][\d\s().+/-]{5,25}\d(\s*(x|ext\.?)\s*\d{1,6})?", text, re.I)
    return one_line(found[0]) if found and 7 <= sum(map(str.isdigit, found[0])) <= 20 else ""
