"""Reads: every name that a step's config reads from the task's context, with its field.

A field that reads is known by its annotation (`engine/steps/fields.py`), so a new one of a
step type is found without a word about it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from engine.steps import expressions
from engine.steps.fields import Reads


@dataclass(frozen=True, slots=True)
class Read:
    """`name` is a key, with what is read of its object behind dots: `tally.sent`. `may_lack`:
    the text asks itself whether it is there, or the step does. `written`: it stands in the
    file, and is no default."""

    field: str
    name: str
    how: Literal["text", "condition", "key"]
    may_lack: bool = False
    written: bool = True

    @property
    def key(self) -> str:
        return self.name.partition(".")[0]


def reads(config: BaseModel, at: str = "", *, written: bool = True) -> Iterator[Read]:
    for name, info in type(config).model_fields.items():
        label = info.alias or name
        field = f"{at}.{label}" if at else label
        mark = next((one for one in info.metadata if isinstance(one, Reads)), None)
        given = written and name in config.model_fields_set
        yield from _in(getattr(config, name), info.annotation, mark, field, given)


def _in(
    value: Any, annotation: Any, mark: Reads | None, field: str, written: bool
) -> Iterator[Read]:
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        mark = next((one for one in marks if isinstance(one, Reads)), mark)
    if isinstance(value, str):
        if mark is not None and value:
            yield from _named(value, mark, field, written)
    elif isinstance(value, BaseModel):
        yield from reads(value, field, written=written)
    elif isinstance(value, Mapping):
        inner = (get_args(annotation) or (None, None))[1]
        for key, one in value.items():
            yield from _in(one, inner, mark, f"{field}.{key}", written)
    elif isinstance(value, tuple):
        inner = (get_args(annotation) or (None,))[0]
        for n, one in enumerate(value):
            here = field if isinstance(one, str) else f"{field}.{n}"
            yield from _in(one, inner, mark, here, written)


def _named(value: str, mark: Reads, field: str, written: bool) -> Iterator[Read]:
    if mark.how == "key":
        yield Read(field, value, mark.how, mark.may_lack, written)
        return
    for path in sorted(expressions.paths_in(value, condition=mark.how == "condition")):
        yield Read(field, path.name, mark.how, path.may_lack or mark.may_lack, written)
