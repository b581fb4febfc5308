"""Mail addresses: read from any header a mailer may write, judged before we send to them.

`read_addresses` is for what comes in and forgives everything. `deliverable` is for what
goes out and forgives nothing: plain ASCII, one @, a real domain, no way to smuggle in a
second recipient or a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.mail.charsets import decode, decode_header, one_line

ADDRESSES_LIMIT = 200
BARE = re.compile(r"""[^\s<>,;:"()\[\]]+@[^\s<>,;:"()\[\]]+""")
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TOP_LEVEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
NO_REPLY = re.compile(
    r"noreply|(^|[^a-z])no[._-]reply|do[._-]?not[._-]?reply|don'?t[._-]?reply|no[._-]?responder"
    r"|unattended|^(mailer-daemon|bounces?|notifications?)$|^bounces?[+-]",
    re.IGNORECASE,
)


class Address(NamedTuple):
    name: str
    address: str


def read_addresses(value: bytes, charset: str = "") -> list[Address]:
    """The addresses of a From, Reply-To or To field, in order; what is none is left out."""
    text = decode(value, charset)
    found = [address for part in _split(text) if (address := _read_one(part))]
    if not found and "@" not in text and "=?" in text:
        # Some writers encode the whole field, address included.
        found = [a for part in _split(decode_header(value, charset)) if (a := _read_one(part))]
    return found[:ADDRESSES_LIMIT]


class _Entry(NamedTuple):
    phrase: str
    angle: str | None
    comment: str


def _split(text: str) -> list[_Entry]:
    """The entries of an address list, each as its phrase, what stood in <> and comments."""
    entries: list[_Entry] = []
    phrase, comment = "", ""
    angle: str | None = None
    position = 0
    while position < len(text):
        sign = text[position]
        if sign == '"' and (closing := _closing_quote(text, position)) > 0:
            phrase += re.sub(r"\\(.)", r"\1", text[position + 1 : closing])
            position = closing
        elif sign == "(":
            inside, position = _comment(text, position)
            comment = comment or inside
        elif sign == "<":
            closing = text.find(">", position)
            closing = closing if closing > 0 else len(text)
            angle = angle or text[position + 1 : closing]
            position = closing
        elif sign in ",;":
            entries.append(_Entry(phrase, angle, comment))
            phrase, comment, angle = "", "", None
        elif sign == ":":
            phrase = ""  # what stood before was the name of a group
        else:
            phrase += sign
        position += 1
    entries.append(_Entry(phrase, angle, comment))
    return entries


def _closing_quote(text: str, start: int) -> int:
    position = start + 1
    while position < len(text) and text[position] != '"':
        position += 2 if text[position] == "\\" else 1
    return position if position < len(text) else -1


def _comment(text: str, start: int) -> tuple[str, int]:
    """The text of a comment (they nest) and where it ends; an open one ends the field."""
    depth, position, inside = 0, start, ""
    while position < len(text):
        sign = text[position]
        if sign == "\\":
            position += 1
            inside += text[position : position + 1]
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                break
        else:
            inside += sign
        position += 1
    return inside, position


def _read_one(entry: _Entry) -> Address | None:
    phrase = one_line(entry.phrase)
    inside = "" if entry.angle is None else re.sub(r"\([^()]*\)", "", entry.angle)
    inside = re.sub(r"\s+", "", inside).rsplit(":", 1)[-1].strip("\"'")
    address, name = (inside, phrase) if "@" in inside else _from_phrase(phrase)
    local, _, domain = address.rpartition("@")
    if not local or not domain or len(address) > 320:
        return None
    name = decode_header(name.encode("utf-8")) or decode_header(entry.comment.encode("utf-8"))
    name = name.strip("\"'[] ")[:200]
    return Address("" if name.lower() == address.lower() else name, f"{local}@{domain.lower()}")


def _from_phrase(phrase: str) -> tuple[str, str]:
    found = BARE.search(phrase) or BARE.search(re.sub(r"\s*([.@])\s*", r"\1", phrase))
    return (found[0].strip(".'"), phrase.replace(found[0], "")) if found else ("", "")


def deliverable(address: str) -> str:
    """The address as one may send to it, its domain in ASCII; or ''."""
    local, _, domain = address.strip().rpartition("@")
    if not LOCAL.fullmatch(local) or len(local) > 64 or len(domain) > 255:
        return ""
    try:
        domain = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    labels = domain.split(".")
    if len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        return ""
    if not TOP_LEVEL.fullmatch(labels[-1]) or len(local) + len(domain) > 253:
        return ""
    return f"{local}@{domain}"


def is_no_reply(address: str) -> bool:
    """Whether nobody reads what is sent there, as far as its name tells."""
    return bool(NO_REPLY.search(address.rpartition("@")[0]))


def same(one: str, other: str) -> bool:
    """Whether two addresses lead to one mailbox: without case and without a +tag."""
    return bool(one) and _plain(one) == _plain(other)


def among(address: str, addresses: frozenset[str]) -> bool:
    return any(same(address, other) for other in addresses)


def _plain(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    return f"{local.split('+')[0]}@{domain}"


def of_reply(context: Mapping[str, Any]) -> list[str]:
    """Those of a reply: which it came from, and which it was written to."""
    known = (str(context.get(key) or "") for key in ("customer_email", "email_sent_to"))
    return sorted({address.casefold() for address in known if address})
