"""What is wrong with a procedure's file, as people say it: the step, the field, the cure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

KEY = r"^[a-z][a-z0-9_]*$"
# Pydantic's kinds of mistake, which it tells in the words of Python.
IN_WORDS = {
    ("tuple_type", "list_type"): "must be a list",
    ("model_type", "model_attributes_type", "dict_type", "mapping_type"): (
        "must be fields with names"
    ),
    ("string_type",): "must be a text",
    (
        "int_type",
        "int_parsing",
        "int_from_float",
        "float_type",
        "float_parsing",
    ): "must be a number",
    ("bool_type", "bool_parsing"): "must be true or false",
}


def told(
    name: str, raw: Mapping[str, Any], form: type[BaseModel], error: ValidationError
) -> Iterator[str]:
    """A line for each mistake in a file that should have this form."""
    for e in error.errors():
        loc = list(e["loc"])
        if loc == ["steps"] and e["type"] == "too_short" and raw.get("steps"):
            # There are steps, and what is wrong with them has been said.
            continue
        where = ""
        if loc[:1] == ["steps"] and len(loc) > 1 and isinstance(loc[1], int):
            steps = raw.get("steps")
            step = steps[loc[1]] if isinstance(steps, list) else None
            key = step.get("key") if isinstance(step, dict) else None
            where = f"step {key!r}, " if key else f"step {loc[1] + 1}, "
            loc = loc[2:]
        yield f"{name}: {where}field {path(loc) or 'steps'}: {said(e, form)}"


def path(loc: Any) -> str:
    return ".".join(str(part) for part in loc)


def said(error: Any, form: type[BaseModel]) -> str:
    """Pydantic's message as a person would say it, with the cure."""
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return "is missing; add it"
    if kind == "too_short" and error["loc"] == ("steps",):
        return "is empty; a procedure has at least one step"
    if kind == "string_pattern_mismatch" and error["ctx"]["pattern"] == KEY:
        return (
            f"{error['input']!r} must begin with a small letter, and have only those, digits and _"
        )
    if kind == "literal_error" and isinstance(error["input"], str):
        return _no_such(error["input"], error["ctx"]["expected"])
    if kind == "extra_forbidden":
        known = _fields(form, error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "; remove it"
        return f"is not known here{hint}"
    return next((words for kinds, words in IN_WORDS.items() if kind in kinds), message)


def _fields(form: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """The names that a part of the form has, found by the way to it."""
    for part in loc:
        if isinstance(part, int):
            continue
        field = form.model_fields.get(part)
        inner = None if field is None else _form_in(field.annotation)
        if inner is None:
            return []
        form = inner
    return [field.alias or name for name, field in form.model_fields.items()]


def _form_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_form_in, get_args(annotation))), None)


def _no_such(given: str, expected: str) -> str:
    """A word that is none of those expected, as pydantic lists them: quoted, with an "or"."""
    known = re.findall(r"'([^']*)'", expected)
    near = difflib.get_close_matches(given, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"there is no {given!r}; {hint}"
