"""`{{customer_name}}` in step configs, and conditions over a task's context.

A sandboxed Jinja2 environment. Values are rendered once: model output and inbound text
are data and are never read as templates. A name that is missing renders empty and is
reported, so that the caller can decide what that means: in a prompt nothing, in text
for a customer that the step is uncertain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError, meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import StepFailed


def _is_since(value: object, other: object) -> bool:
    """`customer_quoted is since(began_at)`: whether a moment, or a day where that is all that
    is known, is not before another one. Where that one is not known, any moment will do."""
    at, since = _moment(value), _moment(other)
    if at is None or since is None:
        return at is not None
    return at.date() >= since.date() if at.time() == time() else at >= since


def _moment(written: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written or ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined, autoescape=False)
environment.tests["since"] = _is_since
environment.globals.clear()  # no range, no cycler: placeholders and plain conditions only


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text, and the names that had no value."""

    text: str
    missing: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def _compiled(source: str) -> tuple[Template, frozenset[str]]:
    names = meta.find_undeclared_variables(environment.parse(source))
    return environment.from_string(source), frozenset(names)


@lru_cache(maxsize=1024)
def _condition(source: str) -> TemplateExpression:
    return environment.compile_expression(source, undefined_to_none=True)


def problem_in(source: str, *, condition: bool = False) -> str | None:
    """What is wrong with a template or condition, or None. For validating SOPs."""
    try:
        _condition(source) if condition else _compiled(source)
    except TemplateError as error:
        return str(error.message or error)
    return None


def names_in(source: str) -> frozenset[str]:
    return _compiled(source)[1]


@lru_cache(maxsize=1024)
def names_of_condition(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(environment.parse("{{" + source + "}}")))


@dataclass(frozen=True, slots=True, order=True)
class Path:
    """A name with what is read of its object: `tally.sent`. `may_lack` where the text has
    something else for it: an `or`, an `if`, a default."""

    name: str
    may_lack: bool = False


@lru_cache(maxsize=1024)
def paths_in(source: str, *, condition: bool = False) -> frozenset[Path]:
    tree = environment.parse("{{" + source + "}}" if condition else source)
    return frozenset(_paths(tree, meta.find_undeclared_variables(tree), may_lack=False))


def _paths(node: nodes.Node, names: set[str], *, may_lack: bool) -> Iterator[Path]:
    path = _dotted(node)
    if path is not None:
        if path.partition(".")[0] in names:
            yield Path(path, may_lack)
        return
    here = isinstance(node, nodes.Or | nodes.CondExpr | nodes.If | nodes.Test) or (
        isinstance(node, nodes.Filter) and node.name in ("default", "d")
    )
    for child in node.iter_child_nodes():
        yield from _paths(child, names, may_lack=may_lack or here)


def _dotted(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        before, name = _dotted(node.node), node.attr
    elif (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        before, name = _dotted(node.node), node.arg.value
    else:
        return None
    return f"{before}.{name}" if before else None


def render(source: str, context: Mapping[str, Any]) -> Rendered:
    try:
        template, names = _compiled(source)
        missing = tuple(sorted(n for n in names if context.get(n) in (None, "")))
        return Rendered(template.render(context), missing)
    except TemplateError as error:
        raise StepFailed(f"template: {type(error).__name__}") from error


def evaluate(source: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression such as `customer_found and category == 'new_lead'`."""
    try:
        return _condition(source)(**context)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise StepFailed(f"condition {source!r}: {type(error).__name__}") from error
