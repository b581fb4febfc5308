"""`for_each`: a child task for each item of a list; the parent goes on with the tally."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from engine.errors import StepFailed
from engine.steps import expressions
from engine.steps.contract import BEFORE, Done, FanOut, Outcome, StepConfig, StepContext
from engine.steps.fields import Key, PartKey, TemplateText
from engine.steps.ways import Names, Way, carried, fields_of_each, with_fields

MOST_ITEMS = 2000
ENDS = ("completed", "failed", "cancelled")


class Config(StepConfig):
    """`items` is a context key that holds a list of objects; each object's keys become
    the child's context, with `keys` of the parent's beside them. `pace` seconds lie
    between two starts. `once` names each item's occasion (`engine/occasions.py`). The tally
    (`completed`, `failed`, `cancelled`, `total`; with `once` `before`, whose occasion was used
    up) goes to the key `into`."""

    items: Key
    sop: str
    keys: tuple[PartKey, ...] = ()
    pace: float = Field(default=0, ge=0, le=3600)
    once: TemplateText = ""
    into: str = "tally"


def calls_out(_config: Config) -> bool:
    return False


def run(config: Config, ctx: StepContext) -> Outcome:
    if ctx.tally is not None:
        return _done(config, ctx.tally)
    items = ctx.context.get(config.items, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise StepFailed(f"{config.items} is not a list of objects")
    if len(items) > MOST_ITEMS:
        raise StepFailed(f"{config.items} has {len(items)} items; {MOST_ITEMS} are allowed")
    if not items:
        return _done(config, {})
    shared = {key: ctx.context[key] for key in config.keys if key in ctx.context}
    contexts = [shared | item for item in items]
    once = [_occasion(config, ctx, one) for one in contexts] if config.once else None
    return FanOut(config.sop, contexts, config.pace, once)


def _occasion(config: Config, ctx: StepContext, begins: Mapping[str, Any]) -> str:
    return expressions.render(config.once, {"business": ctx.business, **begins}).text


def _done(config: Config, ended: Mapping[str, int]) -> Done:
    counted = {status: n for status, n in ended.items() if status != BEFORE}
    tally = dict.fromkeys(ENDS, 0) | counted
    tally["total"] = sum(counted.values())
    if config.once:
        tally[BEFORE] = ended.get(BEFORE, 0)
    return Done({config.into: tally}, summary=" ".join(f"{k}={v}" for k, v in tally.items()))


def ways(config: Config) -> Iterator[Way]:
    before = (BEFORE,) if config.once else ()
    yield Way(with_fields(config.into, (*ENDS, "total", *before)))


def hands_on(config: Config, known: Names) -> tuple[str, Names]:
    return config.sop, carried(config.keys, known) | fields_of_each(config.items, known)


def scopes(config: Config, known: Names) -> dict[str, Names]:
    """`once` is filled in from what the child begins with, and from nothing else."""
    return {"once": hands_on(config, known)[1]}
