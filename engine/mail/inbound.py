"""`read_mail`: a raw message, whatever bytes it is, becomes an InboundMail.

The first station of a lead that comes by mail: `mailbox` or a webhook hands over the raw
bytes, `intake` keeps them and starts a task from what is read here. Nothing here raises;
what a message lacks is empty, and `defects` names what was broken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from engine.mail import Attachment, InboundMail
from engine.mail.addresses import ADDRESSES_LIMIT, Address, read_addresses
from engine.mail.automatic import read_automatic
from engine.mail.bodies import read_body
from engine.mail.charsets import clean, decode
from engine.mail.mime import Part, parse
from engine.mail.quotes import fresh, is_reply

TEXT_LIMIT = 100_000
"""Characters of text; a task's whole context may be 256 KB. The raw mail keeps the rest."""
SUBJECT_LIMIT = 500
MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
REFERENCES_LIMIT = 50
DELIVERED = ("delivered-to", "x-original-to", "envelope-to")


def read_mail(raw: bytes, own_addresses: frozenset[str] = frozenset()) -> InboundMail:
    """Never raises. `own_addresses` are the company's: mail from them is our own."""
    try:
        return _read(raw, own_addresses)
    except Exception:  # a message may defeat every parser, but it is still somebody's message
        text = decode(raw[:TEXT_LIMIT])
        return InboundMail(
            message_id="",
            sender="",
            sender_name="",
            reply_to="",
            to=(),
            subject="",
            text=text,
            fresh_text=text,
            defects=("unreadable",),
        )


def _read(raw: bytes, own_addresses: frozenset[str]) -> InboundMail:
    message = parse(raw)
    defects = list(message.defects)
    sender = _sender(message, defects)
    reply_to = next(iter(_addresses(message, "reply-to")), Address("", "")).address
    subject = message.text("subject")[:SUBJECT_LIMIT]
    body = read_body(message)
    text = clean(body.text)
    if len(text) > TEXT_LIMIT:
        text = text[:TEXT_LIMIT]
        defects.append("text_cut")
    in_reply_to = next(iter(_message_ids(message, "in-reply-to")), "")
    references = tuple(_message_ids(message, "references")[-REFERENCES_LIMIT:])
    quotes = is_reply(subject, in_reply_to, references)
    return InboundMail(
        message_id=_own_message_id(message),
        sender=sender.address,
        sender_name=sender.name,
        reply_to=reply_to,
        to=tuple(a.address for a in _addresses(message, "to") + _addresses(message, "cc")),
        subject=subject,
        text=text,
        fresh_text=fresh(text) if quotes else text,
        delivered_to=tuple(a.address for name in DELIVERED for a in _addresses(message, name)),
        sent_at=_sent_at(message, defects),
        in_reply_to=in_reply_to,
        references=references,
        automatic=read_automatic(message, sender.address, reply_to, subject, own_addresses) or "",
        attachments=tuple(Attachment(*facts) for facts in body.attachments),
        defects=tuple(dict.fromkeys(defects + body.defects)),
    )


def _sender(message: Part, defects: list[str]) -> Address:
    """From; where that is missing, Sender; at last the envelope's address, which is enough
    to know somebody again but not to write to (`recipients` does not)."""
    if len(message.values("from")) > 1:
        defects.append("several_from")
    if found := _addresses(message, "from"):
        if len(found) > 1:
            defects.append("several_from")
        return found[0]
    defects.append("no_from")
    for name in ("sender", "return-path", "envelope-from"):
        if found := _addresses(message, name):
            return found[0]
    return Address("", "")


def _addresses(message: Part, name: str) -> list[Address]:
    charset = message.charset
    found = [a for value in message.values(name)[:10] for a in read_addresses(value, charset)]
    return found[:ADDRESSES_LIMIT]


def _own_message_id(message: Part) -> str:
    """With its angle brackets, as In-Reply-To quotes it. Some mailers leave them out or put
    spaces inside: then it is what the field holds."""
    if found := _message_ids(message, "message-id"):
        return found[0]
    text = message.text("message-id").strip("<> ").replace(" ", "")
    return f"<{text[:500]}>" if text else ""


def _message_ids(message: Part, name: str) -> list[str]:
    text = " ".join(decode(value) for value in message.values(name))
    return [f"<{found}>" for found in MESSAGE_ID.findall(text)]


def _sent_at(message: Part, defects: list[str]) -> datetime | None:
    """As the sender's clock said, in UTC; None where that cannot be."""
    if not message.value("date"):
        return None
    try:
        when = parsedate_to_datetime(message.text("date")[:100])
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except Exception:  # the standard library raises what it likes here
        when = None
    if when is None or not 1980 <= when.year <= 2100:
        defects.append("bad_date")
        return None
    return when
