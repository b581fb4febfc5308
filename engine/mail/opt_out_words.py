"""Whether a mail says that no more mail is wanted, and nothing else.

It is heeded at once, so only what can hardly mean anything else counts: a bare word or
phrase, for "stop by on Friday" is none. What is said at greater length a person reads.
"""

from __future__ import annotations

import re

# Without the courtesies around them.
PHRASES = frozenset(
    {
        "stop", "stop all", "stop emails", "stop these emails", "stop emailing", "stop writing",
        "stop emailing me", "stop mailing me", "stop writing me", "stop writing to me",
        "stop contacting me", "stop sending me emails", "stop sending me mail",
        "stop sending these emails", "unsubscribe", "unsubscribe me", "unsubscribe me from this",
        "opt out", "optout", "opt me out", "take me off", "remove me",
        "take me off your list", "take me off this list", "take me off the list",
        "remove me from your list", "remove me from this list", "remove me from the list",
        "remove me from your mailing list", "take me off your mailing list",
        "no more emails", "no more mail", "no more mails", "no mail", "no emails",
        "do not email me", "dont email me", "do not email me again", "dont email me again",
        "do not contact me", "dont contact me", "do not contact me again", "dont contact me again",
        "no mas correos",
    }
)  # fmt: skip
# These may be about an appointment or a hedge as soon as anything else is said beside them.
ALONE = frozenset({"stop it", "cancel", "remove", "baja", "cancelar"})
# As a subject these may be the beginning of what the text goes on with.
OPEN_ENDED = frozenset({"stop", "stop all", "take me off", "remove me", "no mail"})
COURTESIES = frozenset(
    {"please", "pls", "kindly", "thanks", "thank", "thankyou", "thx", "hi", "hello", "hey", "sorry"}
)
THANK_YOU = re.compile(r"\bthank you\b")
LONGEST = 200
SENT_FROM = re.compile(r"^(sent from|get outlook for|enviado desde) .*$", re.IGNORECASE | re.M)


def asks_to_stop(fresh_text: str, subject: str = "") -> bool:
    """Judged by the whole of a mail without its quote, or by its first paragraph: below it
    stands a signature, or why they ask. A subject says as much where there is no text, or
    where it can mean nothing else."""
    text = SENT_FROM.sub("", fresh_text).strip()
    whole, first = _plain(text), _plain(re.split(r"\n\s*\n", text)[0])
    if whole in ALONE or not PHRASES.isdisjoint((whole, first)):
        return True
    named = _plain(subject)
    return named in PHRASES and (not text or named not in OPEN_ENDED)


def _plain(text: str) -> str:
    if len(text) > LONGEST:
        return ""
    letters = THANK_YOU.sub("", re.sub(r"['’]", "", text.casefold()))
    words = re.findall(r"[a-záéíóúñ]+", letters)
    return " ".join(word for word in words if word not in COURTESIES).replace("á", "a")
