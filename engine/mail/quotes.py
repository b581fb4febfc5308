"""What is new in a reply: the text above the earlier mail that it quotes.

Only the library's patterns for the line above a quote ("On Monday … wrote:") are used.
Its search for signatures and disclaimers takes minutes for some texts and would drop the
phone number under a customer's name; its notion of a header fits the fields of a web form
as well, so nothing is cut from a mail that is no reply.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mailparser_reply.parser import EmailMessage

SEARCHED = 20_000
LONGEST_LINE = 300
LANGUAGES = ["en", "es"]
REPLY = re.compile(r"^\s*(re|aw|sv|vs|antw|rv|res|rif|ref)\s*(\[\d+\]|\(\d+\))?\s*:", re.IGNORECASE)
FORWARD = re.compile(r"^\s*(fwd?|wg|tr|enc|i)\s*(\[\d+\])?\s*:", re.IGNORECASE)
QUOTED = re.compile(r"^\s*>")
RULE = re.compile(r"[\s_-]*")


def is_reply(subject: str, in_reply_to: str, references: tuple[str, ...]) -> bool:
    """Whether a quote is to be expected, and not what the sender wants us to read: who
    forwards a mail sends its text."""
    if FORWARD.match(subject):
        return False
    return bool(in_reply_to or references or REPLY.match(subject))


def fresh(text: str) -> str:
    """The reply without what it quotes; the whole text where that would leave nothing."""
    try:
        cut = _quote_start(text)
    except Exception:  # the patterns are not ours: a mail must not be lost to them
        return text
    top = _without_trailing_quote(text[:cut])
    return top if any(sign.isalnum() for sign in top) else text


def _quote_start(text: str) -> int:
    found = _header_pattern().search(_searchable(text))
    if found is None:
        return len(text)
    below = text[found.end() :]
    # Answers between quoted lines belong to the reply: then nothing is cut.
    quoted = [bool(QUOTED.match(line)) for line in below.splitlines() if line.strip()]
    answered_inline = quoted and quoted[0] and not all(quoted)
    return len(text) if answered_inline else found.start()


def _searchable(text: str) -> str:
    """The same text, as long, without the long lines on which the patterns lose hours."""
    lines = text[:SEARCHED].split("\n")
    return "\n".join(line if len(line) <= LONGEST_LINE else "x" * len(line) for line in lines)


def _without_trailing_quote(text: str) -> str:
    lines = text.rstrip().split("\n")
    quoted = False
    while lines and (QUOTED.match(lines[-1]) or RULE.fullmatch(lines[-1])):
        quoted = bool(QUOTED.match(lines.pop())) or quoted
    # "El lunes … escribió:" and its like, in languages that the patterns do not know.
    if quoted and lines and lines[-1].rstrip().endswith(":"):
        lines.pop()
    return "\n".join(lines).strip()


@lru_cache(maxsize=1)
def _header_pattern() -> re.Pattern[str]:
    return EmailMessage(text="", languages=list(LANGUAGES)).HEADER_REGEX
