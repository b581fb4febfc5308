"""Unknown names: what a procedure reads that no task of it can know, told to whoever writes it.

A slot, a fact, a key or a condition with a slip in it would be found on a customer's task
else. These are warnings and no refusals: whoever starts a task by hand may give it anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from engine import beginnings
from engine.books import Book
from engine.knowledge import Plan, PlannedStep, at_steps
from engine.steps.reads import Read, reads
from engine.steps.ways import ANYTHING, Names
from engine.tasks import PERSONAL_PREFIXES

# How like two names must be for the one to be meant by the other; more where it may be that
# the name is right and nobody here knows it.
LIKE, VERY_LIKE = 0.72, 0.8


def warnings(book: Book, slug: str) -> Iterator[str]:
    """A line for each name: the step, the field, and what may have been meant."""
    plan = book.plans[slug]
    reached = at_steps(plan, book.begins[slug])
    for step in plan.steps:
        if step.key not in reached:
            continue
        told = set[tuple[str, str]]()
        for read in read_by(step):
            scope = _scope(step, read, reached[step.key])
            if is_known(read.name, scope) or (read.field, read.name) in told:
                continue
            told.add((read.field, read.name))
            said = _said(book, plan, step, read, scope)
            if said:
                yield f"step {step.key!r}, field config.{read.field}: {said}"


def read_by(step: PlannedStep) -> Iterator[Read]:
    """What stands in its config, and what it leans on by itself."""
    yield from (read for read in reads(step.config) if read.written)
    if hasattr(step.told, "leans_on"):
        for field, name in step.told.leans_on(step.config):
            yield Read(field, name, "key", written=False)


def _scope(step: PlannedStep, read: Read, known: Names) -> Names:
    """What this field may read; of the company every one knows."""
    own = step.told.scopes(step.config, known) if hasattr(step.told, "scopes") else {}
    return own.get(read.field.partition(".")[0], known) | beginnings.COMPANY


def is_known(name: str, scope: Names) -> bool:
    """Whether it may be there; of an object whose fields are known, the field too."""
    key, *fields = name.split(".")
    if key not in scope:
        return False
    for field in fields:
        if not any(one.startswith(f"{key}.") for one in scope) or hasattr(dict, field):
            return True
        key = f"{key}.{field}"
        if key not in scope:
            return False
    return True


def _said(book: Book, plan: Plan, step: PlannedStep, read: Read, scope: Names) -> str:
    name = read.name
    if ANYTHING in scope:
        # Perhaps somebody gives it of whom nothing is known here.
        near = _near(name, scope, VERY_LIKE)
        return f"nothing gives {name!r}; did you mean {near!r}?" if near else ""
    givers = [one for one in plan.steps if is_known(name, one.gives())]
    if givers == [step]:
        return f"nothing gives {name!r} before this step"
    if givers:
        where = " and ".join(repr(one.key) for one in givers if one is not step)
        return f"only step {where} gives {name!r}, and no way leads here on which it does"
    near = _near(name, scope, LIKE)
    cure = f"did you mean {near!r}?" if near else _cure(book, plan, read, scope)
    return f"nothing gives {name!r}; {cure}"


def _cure(book: Book, plan: Plan, read: Read, scope: Names) -> str:
    inside = f"{read.key}."
    fields = sorted(one.removeprefix(inside) for one in scope if one.startswith(inside))
    if fields:
        return f"{read.key} has {', '.join(fields)}"
    if read.field == "once":
        return "it is a field of the items, or one of 'keys'"
    starters = " and ".join(book.starters[plan.slug])
    if starters and read.name in beginnings.HANDED_ON:
        return f"{starters} could hand it on in 'keys'"
    return "where whoever starts a task of it does, name it in trigger.keys"


def _near(name: str, scope: Names, cutoff: float) -> str | None:
    """Compared without what many begin with: customer_list is not much like customer_city.
    Of an object's field only its own are."""
    head, dot, _ = name.rpartition(".")
    start = next((one for one in PERSONAL_PREFIXES if not head and name.startswith(one)), "")
    alike = {
        one.removeprefix(start): one
        for one in sorted(scope)
        if "[" not in one and one.rpartition(".")[:2] == (head, dot) and one.startswith(start)
    }
    near = difflib.get_close_matches(name.removeprefix(start), list(alike), 1, cutoff)
    return alike[near[0]] if near else None
