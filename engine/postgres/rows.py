"""Rows as the dataclasses of this program. `select *` brings whatever columns the table has: a
migration may have added one while a worker of the release before still runs, and that one
must not break on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import itemgetter
from typing import Any, TypeVar

Form = TypeVar("Form")


def reader(form: type[Form]) -> Callable[[Mapping[str, Any]], Form]:
    """What makes one of a row: the form's own fields, in their order, and nothing else."""
    known = itemgetter(*(field.name for field in fields(form)))  # type: ignore[arg-type]

    def read(row: Mapping[str, Any]) -> Form:
        return form(*known(row))

    return read
