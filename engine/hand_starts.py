"""Hand starts: what a task would lack that somebody starts by hand, told before it stands there
with an empty card.

Asked by `bin/engine sop run` and `/sop run`; both can start it all the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine import beginnings, sops
from engine.knowledge import Plan, at_steps, of_procedure
from engine.postgres import Connection
from engine.sops import Sop
from engine.unknown_names import is_known, read_by


@dataclass(frozen=True, slots=True)
class Lack:
    """`missing`: keys that its steps cannot do without, and that nothing gives. `unread`: keys
    that are given and that nothing reads; `meant` those that were perhaps meant by them."""

    missing: Sequence[str]
    unread: Sequence[str]
    meant: Sequence[str]
    by_mail: bool

    @property
    def is_grave(self) -> bool:
        return bool(self.missing or self.meant)

    def __str__(self) -> str:
        said = [f"nothing gives {', '.join(self.missing)}"] if self.missing else []
        said += [f"nothing reads {', '.join(self.unread)}"] if self.unread else []
        if self.meant:
            said.append(f"did you mean {', '.join(self.meant)}?")
        return "; ".join(said)


def lack_of(conn: Connection, sop: Sop, given: Collection[str]) -> Lack:
    plan = of_procedure(sops.procedure(conn, sop.id))
    used = {read.key for step in plan.steps for read in read_by(step)}
    unread = sorted(set(given) - used - beginnings.HANDED_ON - set(plan.keys) - {"trigger"})
    near = [difflib.get_close_matches(name, sorted(used - set(given)), 1, 0.8) for name in unread]
    meant = [names[0] for names in near if names]
    return Lack(_missing(plan, given), unread, meant, "mail" in plan.events)


def _missing(plan: Plan, given: Collection[str]) -> list[str]:
    """In the order of the steps. What a condition reads may as well not be there."""
    reached = at_steps(plan, beginnings.BY_HAND.union(given))
    found: dict[str, None] = {}
    for step in plan.steps:
        known = reached.get(step.key)
        if known is None:
            continue
        for read in read_by(step):
            may_lack = read.may_lack or read.how == "condition" or read.field == "once"
            if not (may_lack or is_known(read.key, known | beginnings.COMPANY)):
                found[read.key] = None
    return list(found)
