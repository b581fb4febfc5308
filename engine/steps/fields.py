"""What the configs of step types are made of: durations, texts with placeholders, conditions, keys.

A field's annotation says how it is written, and whether it reads the task's context.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from engine.steps import expressions

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip())
        if match is None:
            raise ValueError("a duration is a number and a unit: 30s, 45m, 24h, 5d")
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    return value


def _written(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _template(value: str) -> str:
    problem = expressions.problem_in(value)
    if problem:
        raise ValueError(f"template: {problem}")
    return value


def _condition(value: str) -> str:
    problem = expressions.problem_in(value, condition=True)
    if problem:
        raise ValueError(f"condition: {problem}")
    return value


def _personal(value: str) -> str:
    if not value.startswith(("customer_", "email_", "draft_")):
        raise ValueError("holds customer data, so it must begin with customer_, email_ or draft_")
    return value


@dataclass(frozen=True, slots=True)
class Reads:
    """Marks a field that reads the task's context: by the names in a text or a condition, or as
    the name of a key. `engine/steps/reads.py` finds them by it. `may_lack`: the step leaves out
    what is not there, and nobody misses it."""

    how: Literal["text", "condition", "key"]
    may_lack: bool = False


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_written)]
TemplateText = Annotated[str, AfterValidator(_template), Reads("text")]
Condition = Annotated[str, AfterValidator(_condition), Reads("condition")]
# One that is left out where it is empty.
PartText = Annotated[str, AfterValidator(_template), Reads("text", may_lack=True)]
# The name of a context key that the step reads; one that it writes to is a plain text.
Key = Annotated[str, Reads("key")]
PartKey = Annotated[str, Reads("key", may_lack=True)]
PersonalKey = Annotated[str, AfterValidator(_personal)]
