"""Codes in words. Events and errors hold codes, for codes hold no customer data; people
read what they mean and, where there is one, the cure."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

VENDORS = {
    "slack": "Slack",
    "mail": "the mail service",
    "crm": "the CRM",
    "claude": "the model",
    "http": "the other system",
}
WORDS = {
    "message_not_found": "its message is gone",
    "channel_not_found": "there is no such channel",
    "not_in_channel": "the app is not in the channel",
    "is_archived": "the channel is archived",
    "holiday": "it is a holiday, on which no customer is written to",
    "quiet_hours": "it is night, when nothing rings",
    "away": "somebody is away, and marketing waits",
    "halted": "everything is stopped until /sop resume",
    "paused": "its agent is paused",
    "cancelled": "the task is being cancelled",
    "retry": "a short pause before the next try",
    "expired": "nobody answered in time",
    "suppressed_unsubscribed": "this customer has unsubscribed",
    "suppressed_bounced": "mail to this address has bounced",
    "suppressed_complained": "this customer has marked our mail as spam",
    "suppressed_opted_out": "this customer has opted out",
    "contacted_recently": "this customer had a marketing mail only lately",
    "thread_full": "as many mails as a day may have went out about this already",
    "withheld": "withheld",
    "dropped": "a person decided not to send it",
    "absent": "it had not arrived, so it may be tried again",
    "unknown": "the task ended first, and nobody knows whether it went out",
    "send_again": "a person said to send it again",
    "sent": "it had gone out",
    "interrupted": "the worker stopped in the middle",
    "crashed": "the program stumbled",
    "endless": "its steps led round in circles",
    "worker_lost": "each worker that took it up died",
    "rate_limited": "asked to wait",
    "unreachable": "could not be reached",
    "low_confidence": "not sure enough",
    "below_ask_below": "not sure enough for this label",
    "recipient_name_missing": "the customer’s name is missing",
    "recipient_name_odd": "the customer’s name is in odd case",
    "too_long": "the text is too long",
    "timeout": "no answer in time",
    "ambiguous": "no answer came",
    "timed_out": "it took longer than it may",
    "step_failed": "it cannot be done like this",
    "reply_invalid": "the model’s reply could not be used",
    "sop_invalid": "the procedure cannot be used",
    "not_allowed": "the agent may not do that",
    "not_found": "there is no such thing",
}
# The same where the code does not say which vendor it was.
BARE = {
    "refused": "refused",
    "unreachable": "could not be reached",
    "unauthorised": "our credential is not accepted; replace it",
    "ambiguous": "no answer came, so it is not known whether it arrived",
}
# Refused by our own gate, before any vendor heard of it.
OURS = ("suppressed_", "contacted_recently", "thread_full", "dropped", "agent ")
KINDS = {
    "outage": "{} cannot be reached; goes on by itself",
    "alone": "{} fails for this task alone, and serves others",
    "settling": "waits to learn what became of the call to {}",
    "rate_limited": "{} asked to wait",
    "slot": "waits for its turn at {}",
    "unreachable": "{} could not be reached",
    "ambiguous": "{} did not answer, so it is not known whether it took the call",
    "unauthorised": "{} does not accept our credential; replace it",
    "refused": "{} refused",
}
_PAUSE = re.compile(r" (\d+(?:\.\d+)?) s$")
_UNTIL = re.compile(r"until (\d{4}-\d\d-\d\d \d\d:\d\d[+-]\d{4})")


def told(code: str) -> str:
    """For a message: in words, and the code behind them for who looks it up."""
    said = in_words(code)
    return said if said == code.replace("_", " ") else f"{said} ({code})"


def called(vendor: str) -> str:
    """A vendor at the beginning of a sentence."""
    name = VENDORS.get(vendor, vendor)
    return name[:1].upper() + name[1:]


def in_words(code: str | None, zone: ZoneInfo | None = None) -> str:
    """A code, or several with commas between them, as a person would say it. What is not
    known stays as it is: a code is better than nothing."""
    if not code:
        return ""
    until = _UNTIL.fullmatch(code)
    if until and zone:
        at = datetime.strptime(until[1], "%Y-%m-%d %H:%M%z").astimezone(zone)
        return f"until {at:%a %b} {at.day}, {at:%H:%M}"
    code, _, again = code.partition("; again in ")
    said = ", ".join(_one(part.strip()) for part in code.split(", "))
    return f"{said}; again in {again}" if again else said


def _one(code: str) -> str:
    code = _PAUSE.sub("", code)
    if code in WORDS:
        return WORDS[code]
    kind, _, rest = code.partition(":")
    rest = rest.strip()
    vendor, _, detail = rest.partition(" ")
    vendor = vendor.partition(":")[0]
    if kind == "refused" and detail.startswith(OURS):
        return _one(detail)
    if kind in KINDS and vendor in VENDORS:
        said = KINDS[kind].format(VENDORS[vendor])
        return f"{said}: {_one(detail)}" if detail else said
    if rest and kind in BARE:
        return _one(rest) if rest.startswith(OURS) else f"{BARE[kind]} ({_one(rest)})"
    if rest and kind in WORDS:
        return f"{WORDS[kind]}: {WORDS.get(rest, rest)}"
    return code.replace("_", " ")
