"""Why no person wrote a mail: the reason it starts no task, or '' when a person may have.

A lost customer is worse than an auto-reply taken in, so only what a machine alone sets
counts, and three doors stay open: a list that is our own mailbox (a shared inbox marks
every customer's mail as list mail), a generated mail whose Reply-To leads elsewhere (a
contact form), and whatever sender the owner's rule names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from engine.mail import AutoReply, InboundMail
from engine.mail.addresses import among, is_no_reply
from engine.mail.mime import Part
from engine.mail.recipients import FormRelay, recipient, relay_for

OWN_MARK = "X-Engine-Effect"
"""Stands in every mail that we send, so that we know our own mail when it comes back."""

BOUNCE_SENDER = re.compile(r"^(mailer[_-]?daemon|mail-?daemon|double-bounce)[@+-]", re.I)
BOUNCE_SUBJECT = re.compile(
    r"undeliver|deliver(y|ed)|returned mail|failure notice|mail system error|could not send", re.I
)
VACATION_SUBJECT = re.compile(
    r"^\s*(automatic reply|auto[- ]?reply|automatische antwort|out of (the )?office|respuesta"
    r" autom[aá]tica)\s*:",
    re.I,
)
VACATION_FIELDS = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-autoreply-from")


def read_automatic(
    message: Part, sender: str, reply_to: str, subject: str, own_addresses: frozenset[str]
) -> AutoReply | None:
    """Judged by the headers alone. The order matters: a bounce is also auto-submitted."""
    if message.value(OWN_MARK.lower()) or among(sender, own_addresses):
        return "own"
    if _is_bounce(message, sender, subject):
        return "bounce"
    if _is_vacation(message, subject):
        return "vacation"
    if not _is_own_list(message, own_addresses) and (mass := _mass_mail(message)):
        return mass
    if _is_generated(message) and not _leads_to_a_person(sender, reply_to):
        return "auto_submitted"
    return None


def automatic_reason(mail: InboundMail, relays: Sequence[FormRelay] = ()) -> AutoReply | None:
    """Why this mail starts no task, with the owner's rules for form senders considered."""
    if not mail.automatic:
        return None
    reason = cast("AutoReply", mail.automatic)
    if relay_for(mail, relays) is None or reason in {"bounce", "vacation"}:
        return reason
    if reason == "own":
        # A form on the company's own site may write from the company's own address. Our own
        # mail has no such field, or our own address in it.
        found = recipient(mail, relays, frozenset({mail.sender}))
        return None if found is not None and found.source == "form_field" else reason
    return None


def _is_bounce(message: Part, sender: str, subject: str) -> bool:
    if message.kind == "multipart/report":
        return message.parameter("content-type", "report-type") != "disposition-notification"
    if message.value("x-failed-recipients") or BOUNCE_SENDER.match(sender):
        return True
    # A postmaster is sometimes a person.
    return sender.lower().startswith("postmaster@") and bool(BOUNCE_SUBJECT.search(subject))


def _is_vacation(message: Part, subject: str) -> bool:
    if _word(message, "auto-submitted") == "auto-replied":
        return True
    if _word(message, "precedence") in {"auto_reply", "autoreply"}:
        return True
    if any(_word(message, name) not in {"", "no", "false"} for name in VACATION_FIELDS):
        return True
    return bool(VACATION_SUBJECT.match(subject))


def _mass_mail(message: Part) -> AutoReply | None:
    precedence = _word(message, "precedence")
    if message.value("list-id") or precedence == "list":
        return "list"
    return "bulk" if precedence in {"bulk", "junk"} else None


def _is_generated(message: Part) -> bool:
    """By RFC 3834, by an empty envelope sender, or by Exchange's header. Of that one only
    `All`, which programs set, counts: parts of it (`DR, OOF`) merely say which answers a
    sender does without, and a person's Outlook may say so too."""
    if _word(message, "auto-submitted") not in {"", "no"}:
        return True
    if any(not path.strip(b"<> \t") for path in message.values("return-path")):
        return True
    return _word(message, "x-auto-response-suppress") == "all"


def _is_own_list(message: Part, own_addresses: frozenset[str]) -> bool:
    text = " ".join(message.text(name) for name in ("list-id", "list-post", "mailing-list"))
    text = text.lower()
    return any(
        own.lower() in text or own.lower().replace("@", ".") in text for own in own_addresses
    )


def _leads_to_a_person(sender: str, reply_to: str) -> bool:
    """A contact form sends from its own domain and answers go to the customer's."""
    domains = sender.rpartition("@")[2].lower(), reply_to.rpartition("@")[2].lower()
    return bool(reply_to) and domains[0] != domains[1] and not is_no_reply(reply_to)


def _word(message: Part, name: str) -> str:
    value = re.split(r"[\s;(,]", message.text(name).strip().lower(), maxsplit=1)[0]
    return value if len(value) < 40 else value[:40]
