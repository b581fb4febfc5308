"""Knowledge: which keys a task may know at each step, worked out before anything runs.

From what it begins with, along every way through its steps. What one procedure hands on to
another is in `engine/books.py`; a name that is not there by any way is a mistake, and
`engine/unknown_names.py` tells of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from engine import beginnings
from engine.sop_files import Checked
from engine.sops import Procedure
from engine.steps import STEP_TYPES
from engine.steps.contract import StepConfig
from engine.steps.ways import NOTHING, Names, Told, Way


@dataclass(frozen=True, slots=True)
class PlannedStep:
    key: str
    step_type: str
    config: StepConfig
    on_success: str
    on_failure: str
    on_uncertain: str

    @property
    def told(self) -> Told:
        """The step type's module; what of `Told` it does not have it does not need."""
        return cast("Told", STEP_TYPES[self.step_type])

    def ways(self) -> list[Way]:
        return list(self.told.ways(self.config)) if hasattr(self.told, "ways") else [Way()]

    def gives(self) -> Names:
        return NOTHING.union(*(way.gives for way in self.ways()))

    def hands_on(self, known: Names) -> tuple[str, Names] | None:
        """Which procedure it starts, and what with."""
        return self.told.hands_on(self.config, known) if hasattr(self.told, "hands_on") else None


@dataclass(frozen=True, slots=True)
class Plan:
    """A procedure as it is planned, from a file or from the database. `keys` are those that it
    says to expect of whoever starts it."""

    slug: str
    trigger: str
    events: tuple[str, ...]
    keys: tuple[str, ...]
    steps: tuple[PlannedStep, ...]

    def place(self, step: PlannedStep, target: str) -> PlannedStep | None:
        """The step that a target leads to from here; None where the task ends."""
        if target == "next":
            following = self.steps.index(step) + 1
            return self.steps[following] if following < len(self.steps) else None
        return next((one for one in self.steps if one.key == target), None)

    def starts(self) -> frozenset[str]:
        """The slugs of what it starts."""
        handed = (step.hands_on(NOTHING) for step in self.steps)
        return frozenset(one[0] for one in handed if one is not None)


def of_file(checked: Checked) -> Plan:
    file = checked.file
    steps = tuple(
        PlannedStep(one.key, one.type, config, one.on_success, one.on_failure, one.on_uncertain)
        for one, config in zip(file.steps, checked.configs, strict=True)
    )
    return Plan(file.slug, file.trigger.type, file.trigger.events, file.trigger.keys, steps)


def of_procedure(procedure: Procedure) -> Plan:
    sop = procedure.sop
    steps = tuple(
        PlannedStep(
            one.key, one.step_type, one.config, one.on_success, one.on_failure, one.on_uncertain
        )
        for one in procedure.steps
    )
    given = sop.trigger_config
    events, keys = tuple(given.get("events", ())), tuple(given.get("keys", ()))
    return Plan(sop.slug, sop.trigger_type, events, keys, steps)


def at_steps(plan: Plan, begins: Names) -> dict[str, Names]:
    """What a task may know where it comes to each step. One that no way leads to is not there."""
    first = plan.steps[0]
    known = {first.key: begins | beginnings.AT_ANY_MOMENT}
    due = [first]
    while due:
        step = due.pop()
        for target, names in _onwards(step, known[step.key]):
            following = plan.place(step, target)
            if following is None:
                continue
            before = known.get(following.key)
            if before is None or not names <= before:
                known[following.key] = names | (before or NOTHING)
                due.append(following)
    return known


def _onwards(step: PlannedStep, known: Names) -> Iterator[tuple[str, Names]]:
    failed = known
    for way in step.ways():
        if way.failed:
            failed |= way.gives
        else:
            yield way.target or step.on_success, known | way.gives
    if step.on_failure == "escalate":
        # A person may go on without it.
        skipped: Any = getattr(step.told, "skipped", lambda _config: None)(step.config)
        yield getattr(skipped, "target", None) or step.on_success, failed
    elif step.on_failure not in ("retry", "fail"):
        yield step.on_failure, failed
    if step.on_uncertain != "escalate_tier":
        yield step.on_uncertain, known
