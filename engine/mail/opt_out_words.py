"""Whether a reply says that no more mail is wanted, and nothing else.

Only a bare word counts, for "stop by on Friday" is none. What it means is left to a
person, who is offered it as the first answer.
"""

from __future__ import annotations

import re

WORDS = frozenset(
    {
        "stop", "stop it", "stop please", "please stop", "stop emailing me", "stop mailing me",
        "stop writing", "stop writing me", "please stop emailing me", "stop all",
        "unsubscribe", "please unsubscribe", "unsubscribe me", "please unsubscribe me",
        "unsubscribe please", "opt out", "optout", "please opt me out", "opt me out",
        "remove", "remove me", "please remove me", "remove me please", "take me off",
        "take me off your list", "please take me off your list", "remove me from your list",
        "please remove me from your list", "remove me from this list", "cancel",
        "no more emails", "no more mail", "no more emails please", "no more mail please",
        "do not email me", "dont email me", "do not contact me", "dont contact me",
        "baja", "cancelar", "no mas correos",
    }
)  # fmt: skip
LONGEST = 200
SENT_FROM = re.compile(r"^(sent from|get outlook for|enviado desde) .*$", re.IGNORECASE | re.M)


def asks_to_stop(fresh_text: str) -> bool:
    """Judged by the whole of a reply without its quote, or by its first line where only a
    signature stands below an empty one."""
    text = SENT_FROM.sub("", fresh_text).strip()
    return any(_plain(part) in WORDS for part in (text, re.split(r"\n\s*\n", text)[0]))


def _plain(text: str) -> str:
    if len(text) > LONGEST:
        return ""
    letters = re.sub(r"['’]", "", text.casefold())
    return " ".join(re.findall(r"[a-záéíóúñ]+", letters)).replace("á", "a")
