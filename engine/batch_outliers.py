"""Which drafts of a batch must be looked at one by one: the outliers.

Pure functions over the questions. A remark is a closed word, for it is stored beside the
frozen list; `WORDS` says it to people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

Question = Mapping[str, Any]

WORDS = {
    "needs_a_person": "the model could not write it",
    "missing_data": "something is missing",
    "same_address": "another draft goes to the same address",
    "low_confidence": "the model is not sure",
    "long": "much longer than the others",
    "short": "much shorter than the others",
    "unusual": "has a link, a price or a number that the others have not",
}
SURE = 0.8
LONG = 1.75
SHORT = 0.5
# A share of the drafts that is so small is not what the campaign writes.
RARE = 0.1
FEATURES = tuple(map(re.compile, (r"https?://|www\.", r"[$€£]\s?\d", r"\d{3,}")))


def remarks(questions: Mapping[str, Question]) -> dict[str, list[str]]:
    """For each question, by its id, why it stands out; an empty list where it does not."""
    bodies = {key: _body(one) for key, one in questions.items() if one.get("mail")}
    middle = median(map(len, bodies.values())) if bodies else 0
    addresses = Counter(_address(one) for one in questions.values())
    rare = [
        feature
        for feature in FEATURES
        if sum(1 for body in bodies.values() if feature.search(body)) <= RARE * len(bodies)
    ]
    found: dict[str, list[str]] = {}
    for key, one in questions.items():
        words = list(_own(one))
        if addresses[_address(one)] > 1 and _address(one):
            words.append("same_address")
        if key in bodies and middle:
            words += _beside_others(bodies[key], middle, rare)
        found[key] = words
    return found


def approval_of(question: Question) -> str | None:
    """The option that sends the draft as it is; None where a form must be filled in."""
    return next(
        (
            str(option["value"])
            for option in question.get("options") or []
            if not option.get("form") and option.get("style") == "primary"
        ),
        None,
    )


def refusal_of(question: Question) -> str | None:
    """The option that strikes the draft out."""
    options = question.get("options") or []
    return next((str(o["value"]) for o in options if o.get("style") == "danger"), None)


def warned(question: Question) -> bool:
    """Whether the question itself says what to look out for."""
    return any(label == "Look out" for label, _ in question.get("facts") or [])


def _own(question: Question) -> list[str]:
    """What the question says of itself."""
    mail = question.get("mail")
    if not mail or approval_of(question) is None:
        return ["needs_a_person"]
    found = []
    if warned(question) or not all(mail.get(part) for part in ("to", "subject", "body")):
        found.append("missing_data")
    confidence = question.get("confidence")
    if confidence is not None and float(confidence) < SURE:
        found.append("low_confidence")
    return found


def _beside_others(body: str, middle: float, rare: list[re.Pattern[str]]) -> list[str]:
    found = []
    if len(body) > LONG * middle:
        found.append("long")
    if len(body) < SHORT * middle:
        found.append("short")
    if any(feature.search(body) for feature in rare):
        found.append("unusual")
    return found


def _body(question: Question) -> str:
    return str((question.get("mail") or {}).get("body") or "")


def _address(question: Question) -> str:
    return str((question.get("mail") or {}).get("to") or "").strip().casefold()
