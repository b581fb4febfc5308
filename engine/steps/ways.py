"""Ways: where a task may go on from a step, and which keys it may know by then.

A step type tells it of a config before anything runs, so that a name which nothing gives is
found when a procedure is written (`engine/knowledge.py`), and not on a customer's task. Beside
its `run` a module may have

    ways(config) -> Iterable[Way]                 without it, on_success follows and gives nothing
    scopes(config, known) -> {field: names}       what a field may read that is not simply `known`
    leans_on(config) -> Iterable[(field, name)]   what it reads though nobody has written it down
    hands_on(config, known) -> (slug, names)      what a task that it starts begins with

Of a key that holds an object or a list with fields known, those stand in the names as well:
`tally.sent`, `customer_list[].customer_id`. ANYTHING among them says that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Names = frozenset[str]
NOTHING: Names = frozenset()
ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class Way:
    """`target` is a step's key, next or complete; without one, on_success. One that `failed`
    is what is given where on_failure follows."""

    gives: Names = NOTHING
    target: str | None = None
    failed: bool = False


class Told(Protocol):
    """A step type's module, as far as the check of a file asks it."""

    def ways(self, config: Any) -> Iterable[Way]: ...
    def scopes(self, config: Any, known: Names) -> Mapping[str, Names]: ...
    def leans_on(self, config: Any) -> Iterable[tuple[str, str]]: ...
    def hands_on(self, config: Any, known: Names) -> tuple[str, Names]: ...


def with_fields(key: str, fields: Iterable[str], *, of_each: bool = False) -> Names:
    """A key with what its object holds, or each object of its list."""
    inside = f"{key}[]." if of_each else f"{key}."
    return frozenset({key, *(inside + field for field in fields)})


def fields_of_each(key: str, known: Names) -> Names:
    """The fields of a list's objects; ANYTHING where they are not known."""
    inside = f"{key}[]."
    found = frozenset(name.removeprefix(inside) for name in known if name.startswith(inside))
    return found or frozenset({ANYTHING})


def carried(keys: Iterable[str], known: Names) -> Names:
    """What of these keys may be there to be handed on, with their fields."""
    wanted = frozenset(keys)
    found = frozenset(name for name in known if re.split(r"[.\[]", name, maxsplit=1)[0] in wanted)
    return found | wanted if ANYTHING in known else found
