"""What `bin/engine check` says of one thing: a mark, the thing, and what is so or the cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """MISS is not configured, FAIL was tried and did not do, SKIP was not looked at, which is
    no fault. `blocking` where work cannot begin."""

    mark: Literal["ok  ", "MISS", "FAIL", "SKIP"]
    subject: str
    text: str
    blocking: bool = False


def ok(subject: str, text: str) -> Finding:
    return Finding("ok  ", subject, text)


def miss(subject: str, text: str) -> Finding:
    return Finding("MISS", subject, text)


def fail(subject: str, text: str, *, blocking: bool = False) -> Finding:
    return Finding("FAIL", subject, text, blocking)


def skip(subject: str, text: str) -> Finding:
    return Finding("SKIP", subject, text)
