"""Books: procedures that are looked at together, for what one of them hands on to another.

A file is looked at with those in its folder, and what is imported with those in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import beginnings, sop_files, sops
from engine.errors import SopInvalid
from engine.knowledge import Plan, at_steps, of_file, of_procedure
from engine.postgres import Connection
from engine.sop_files import Checked
from engine.steps.ways import Names


@dataclass(frozen=True, slots=True)
class Book:
    """Of each procedure, what it begins with, and which others start it."""

    plans: Mapping[str, Plan]
    begins: Mapping[str, Names]
    starters: Mapping[str, tuple[str, ...]]


def together(plans: Iterable[Plan]) -> Book:
    known = {plan.slug: plan for plan in plans}
    starters = {
        slug: tuple(sorted(one.slug for one in known.values() if slug in one.starts() - {one.slug}))
        for slug in known
    }
    begins = {slug: _by_itself(plan, starters[slug]) for slug, plan in known.items()}
    due = list(known)
    while due:
        plan = known[due.pop()]
        reached = at_steps(plan, begins[plan.slug])
        for step in plan.steps:
            handed = step.hands_on(reached[step.key]) if step.key in reached else None
            if handed is None:
                continue
            slug, names = handed
            if slug in known and not names <= begins[slug]:
                begins[slug] |= names
                due.append(slug)
    return Book(known, begins, starters)


def _by_itself(plan: Plan, starters: tuple[str, ...]) -> Names:
    """Without a child's parents in sight, whatever one can be handed on may be there."""
    begins = beginnings.of_trigger(plan.events, plan.keys)
    by_hand = plan.trigger in ("manual", "agent_loop")
    return begins | beginnings.HANDED_ON if by_hand and not starters else begins


def of_files(files: Sequence[tuple[Path, Checked]]) -> Book:
    """With the procedures that stand beside them; a file there that is none is passed over."""
    given = {path.resolve() for path, _ in files}
    beside = {file for path in given for file in path.parent.glob("*.y*ml")} - given
    plans = [plan for file in sorted(beside) if (plan := _readable(file)) is not None]
    # Of one slug the file that was given counts.
    return together([*plans, *(of_file(checked) for _, checked in files)])


def _readable(file: Path) -> Plan | None:
    try:
        return of_file(sop_files.read(file))
    except SopInvalid:
        return None


def in_use(conn: Connection, instead: Iterable[Checked] = ()) -> Book:
    """The active procedures, with these in the place of theirs."""
    plans = []
    for row in sops.sql.list(conn):
        if row["status"] != "active":
            continue
        try:
            plans.append(of_procedure(sops.procedure(conn, row["id"])))
        except SopInvalid:
            # Of another release; whoever runs it is told.
            continue
    return together([*plans, *map(of_file, instead)])
