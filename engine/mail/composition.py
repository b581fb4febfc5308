"""An approved mail becomes raw MIME: the text as approved, and HTML derived from it.

The header lines are written here, not by the standard library's generator: that one
encodes a long Message-ID in References as if it were a word, which breaks the thread.
What cannot be sent as approved is refused; nothing is repaired behind the approver's back.

Auto-Submitted (RFC 3834) tells other machines not to answer. A mail that a person has
read and sent to one customer is that person's mail and has none; some help desks drop
what bears it. A campaign carries `auto-generated`, approved or not, for its autoreplies
would drown the mailbox, and so will a step that the owner has let go without approval.
"""

from __future__ import annotations

import binascii
import hashlib
import html
import re
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime

from engine.errors import Refused
from engine.mail import OutgoingMail
from engine.mail.addresses import Address, deliverable
from engine.mail.automatic import OWN_MARK

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]")
MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
URL = re.compile(r"https?://[^\s<>\"]+")
REFERENCES_LIMIT = 20
LONGEST_LINE = 990
"""RFC 5322 allows 998 characters."""


def compose(
    mail: OutgoingMail,
    sender: Address,
    effect_key: str,
    *,
    at: datetime | None = None,
    approved: bool = True,
) -> bytes:
    """The raw message. Same arguments, same bytes. Raises Refused with the field's name."""
    if mail.commercial and not mail.unsubscribe_url:
        raise Refused("mail", "unsubscribe_missing")
    if UNSENDABLE.search(mail.text):
        raise Refused("mail", "text_invalid")
    mark = hashlib.sha256(effect_key.encode()).hexdigest()[:32]
    boundary = f"=_{mark}"  # in neither part: there a `=` is followed by two hex digits
    lines = [
        _line("From", _mailbox("sender", sender.name, sender.address)),
        _line("To", _mailbox("recipient", mail.to_name, mail.to)),
        _line("Subject", _unstructured("subject", mail.subject)),
        _line("Date", format_datetime(at or datetime.now(UTC))),
        # SES puts its own in its place; see `wire_message_id` there.
        _line("Message-ID", f"<{mark}@{sender.address.rpartition('@')[2]}>"),
        _line(OWN_MARK, mark),
        *_reply_lines(mail),
        *_mass_lines(mail, approved),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    ]
    message = "\r\n".join(lines) + "\r\n\r\n"
    for kind, text in (("plain", mail.text), ("html", to_html(mail.text))):
        message += (
            f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{quoted_printable(text)}\r\n"
        )
    return f"{message}--{boundary}--\r\n".encode("ascii")


def _reply_lines(mail: OutgoingMail) -> list[str]:
    lines: list[str] = []
    if mail.reply_to:
        lines.append(_line("Reply-To", _mailbox("reply_to", "", mail.reply_to)))
    # An id that does not look like one would only break the header: the mail goes without.
    if MESSAGE_ID.fullmatch(mail.in_reply_to):
        lines.append(_line("In-Reply-To", mail.in_reply_to))
    known = [one for one in mail.references if MESSAGE_ID.fullmatch(one) and len(one) < 500]
    if known:
        # The first names the thread, the last ones its present end.
        kept = (
            known if len(known) <= REFERENCES_LIMIT else known[:1] + known[1 - REFERENCES_LIMIT :]
        )
        lines.append("References: " + "\r\n ".join(kept))
    return lines


def _mass_lines(mail: OutgoingMail, approved: bool) -> list[str]:
    lines: list[str] = []
    if mail.unsubscribe_url:
        if not re.fullmatch(r"https?://[!-;=?-~]+", mail.unsubscribe_url):
            raise Refused("mail", "unsubscribe_invalid")
        lines.append(_line("List-Unsubscribe", f"<{mail.unsubscribe_url}>"))
        lines.append(_line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    if mail.commercial or not approved:
        answers = bool(mail.in_reply_to) and not mail.commercial
        lines.append(_line("Auto-Submitted", "auto-replied" if answers else "auto-generated"))
    return lines


def _line(name: str, value: str) -> str:
    """Every value has been made ASCII; a line break in it is one that folds."""
    if re.search(r"\r\n(?! )|\r(?!\n)|(?<!\r)\n", value) or not value.isascii():
        raise Refused("mail", f"{name.lower()}_invalid")
    if any(len(part) > LONGEST_LINE for part in value.split("\r\n")):
        raise Refused("mail", f"{name.lower()}_too_long")
    return f"{name}: {value}"


def _mailbox(field: str, name: str, address: str) -> str:
    checked = deliverable(address)
    if not checked or checked.lower() != address.lower():
        raise Refused("mail", f"{field}_invalid")
    if not name:
        return checked
    if CONTROLS.search(name) or UNSENDABLE.search(name):
        raise Refused("mail", f"{field}_name_invalid")
    if ATOMS.fullmatch(name):
        return f"{name} <{checked}>"
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{checked}>'
    return f"{_encoded(name, len(field) + 2)}\r\n <{checked}>"


def _unstructured(field: str, text: str) -> str:
    if CONTROLS.search(text) or UNSENDABLE.search(text):
        raise Refused("mail", f"{field}_invalid")
    plain = text.isascii() and "=?" not in text and len(text) < 900 and text == text.strip()
    return text if plain else _encoded(text, len(field) + 2)


def _encoded(text: str, taken: int) -> str:
    header = Header(text, "utf-8", header_name="x" * (taken - 2), maxlinelen=76)
    return header.encode(linesep="\r\n")


def quoted_printable(text: str) -> str:
    """RFC 2045, with line breaks as CRLF and everything else byte for byte. Decoding it and
    reading CRLF as a line break gives the very text."""
    lines = text.replace("\r\n", "\n").encode("utf-8").split(b"\n")
    return "\r\n".join(_quoted_line(line) for line in lines)


def _quoted_line(line: bytes) -> str:
    encoded = binascii.b2a_qp(line, istext=False).decode("ascii").replace("=\n", "=\r\n")
    if not encoded.startswith(("From ", ".")):
        return encoded
    # Mail programs on the way have been known to change lines that begin so.
    first = "=46" if encoded[0] == "F" else "=2E"
    return f"{first}{encoded[1:]}" if len(line) < 70 else f"{first}=\r\n{encoded[1:]}"


def to_html(text: str) -> str:
    """The same text for those who see HTML: its paragraphs, its lines, its links."""
    paragraphs = re.split(r"\n{2,}", text.replace("\r\n", "\n").strip("\n"))
    body = "\n".join(f"<p>{_paragraph(paragraph)}</p>" for paragraph in paragraphs)
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
        '<body style="font-family:sans-serif;font-size:15px;line-height:1.5">\n'
        f"{body}\n</body></html>\n"
    )


def _paragraph(text: str) -> str:
    pieces: list[str] = []
    end = 0
    for found in URL.finditer(text):
        address = found[0].rstrip(".,;:!?'*_")
        if address.endswith(")") and "(" not in address:
            address = address.rstrip(")")
        escaped = html.escape(address)
        pieces += [html.escape(text[end : found.start()]), f'<a href="{escaped}">{escaped}</a>']
        end = found.start() + len(address)
    pieces.append(html.escape(text[end:]))
    return "".join(pieces).replace("  ", " &nbsp;").replace("\n", "<br>\n")
