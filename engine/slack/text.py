"""Text on its way into Slack: escaped, cut to measure, never a mention.

Whatever a customer or a model wrote reaches a card only through here. In `mrkdwn`
everything from outside is escaped, so `<!channel>` is six letters and two brackets; in
`plain_text` Slack reads nothing, and emoji stay as they were typed. Lengths are counted
the way JavaScript counts them, which is never fewer than Slack does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

ELLIPSIS = "…"
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Control characters show nothing; those that turn the writing direction let an address
# read backwards, so that a card would name another recipient than the mail has.
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def units(text: str) -> int:
    return sum(map(_width, text))


def clip(text: str, limit: int) -> str:
    """At most `limit` long, with an ellipsis where something was cut."""
    return _cut(text, limit, _width)


def pieces(text: str, limit: int) -> list[str]:
    """The whole text in pieces of at most `limit`, cut at line ends wherever that is possible."""
    found, left = [], text
    while units(left) > limit:
        fits = _fits(left, limit)
        end = left.rfind("\n", 0, fits) + 1 or fits
        found.append(left[:end])
        left = left[end:]
    return [*found, left]


def _fits(text: str, limit: int) -> int:
    """How many letters of it."""
    used = 0
    for number, letter in enumerate(text):
        used += _width(letter)
        if used > limit:
            return max(number, 1)
    return len(text)


def escape(text: str, limit: int = 3000) -> str:
    """For `mrkdwn`: at most `limit` long after escaping, no entity cut in two."""
    cut = _cut(UNSEEN.sub("", text), limit, _escaped_width)
    return "".join(ENTITIES.get(letter, letter) for letter in cut)


def one_line(text: str) -> str:
    """Without line breaks and without signs that turn the writing direction."""
    return " ".join(DIRECTION.sub("", UNSEEN.sub("", text)).split())


def plain(text: str, limit: int = 3000) -> dict[str, Any]:
    """A text object that shows `text` as it is. Slack refuses empty ones, hence a dash."""
    shown = clip(UNSEEN.sub("", text), limit)
    return {"type": "plain_text", "text": shown if shown.strip() else "–", "emoji": False}


def mrkdwn(markup: str) -> dict[str, Any]:
    """A text object from markup whose outside parts are escaped already. `verbatim`, or
    Slack would still make links of names and channels that stand in it."""
    return {"type": "mrkdwn", "text": markup if markup.strip() else "–", "verbatim": True}


def counted(number: int, what: str) -> str:
    """1 task, 2 tasks."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def link(url: str, label: str) -> str:
    safe = url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace("&", "&amp;")
    return f"<{safe}|{escape(one_line(label), 200)}>"


def mention(user_id: str) -> str:
    """Rings that person's phone. Only for ids of our own list of users."""
    return f"<@{user_id}>"


def moment(at: datetime) -> str:
    """A time that each reader's Slack shows in their own time zone, for `mrkdwn` only."""
    return _date(at, "{date_short_pretty} at {time}", plain_moment(at))


def clock(at: datetime, *, seconds: bool = False) -> str:
    """The same, of a time so near that the day goes without saying."""
    if seconds:
        return _date(at, "{time_secs}", f"{at:%H:%M:%S}")
    return _date(at, "{time}", f"{at:%H:%M}")


def _date(at: datetime, pattern: str, fallback: str) -> str:
    return f"<!date^{int(at.timestamp())}^{pattern}|{fallback}>"


def plain_moment(at: datetime) -> str:
    return f"{at:%a %b} {at.day} at {at:%H:%M}"


def _cut(text: str, limit: int, width: Callable[[str], int]) -> str:
    if len(text) <= limit and sum(map(width, text)) <= limit:
        return text
    kept, used = 0, width(ELLIPSIS)
    for letter in text:
        used += width(letter)
        if used > limit:
            break
        kept += 1
    return text[:kept] + ELLIPSIS


def _width(letter: str) -> int:
    return 2 if ord(letter) > 0xFFFF else 1


def _escaped_width(letter: str) -> int:
    return len(ENTITIES[letter]) if letter in ENTITIES else _width(letter)
