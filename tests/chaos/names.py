"""The names of all commits and vendor calls that stand in the code, read from the code.

A name that is put together at run time stands here with its parts; one that is not known
here is an error, so that no commit and no call can be added past the crash matrix. What a
vendor is asked without a name is found by `calls_past`.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from engine.crm import Crm
from engine.llm import LLM
from engine.mail import Mailer
from engine.settings import PROJECT
from engine.slack import Slack
from engine.steps import api_call

ROOTS = ("engine", "web", "jobs")
# Where names are declared or handed on, and commands that a person types at a shell.
NOT_THERE = ("engine/failpoints.py", "engine/postgres/", "engine/cli/", "web/local/")
COMMIT = re.compile(r"\b(?:statement|transaction)\(\s*(f?)\"([^\"]+)\"")
CALL = re.compile(r"\breach\(\s*(f?)\"([^\"]+)\"")

VENDORS = ("slack", "mail", "crm", "http")
PARTS = {
    "position.status": (
        "pending",
        "in_progress",
        "waiting_on_human",
        "waiting_on_timer",
        "completed",
        "failed",
        "escalated",
        "cancelled",
    ),
    "together": ("", ":abreast"),
    "effect.vendor": VENDORS,
    "state": ("done", "refused", "in_doubt"),
}
# An effect's vendor and purpose, which make the name of its call; and what the purpose may
# be where it is a variable: a word that is handed over by name, or an operation of a step.
EFFECT = re.compile(r"\bEffect\(\s*\"(\w+)\",\s*(\"?)(\w+)\"?,")
HANDED_OVER = re.compile(r"\bpurpose=\"(\w+)\"")
PURPOSES = {
    ("crm", "operation"): api_call.OPERATIONS["crm"],
    ("slack", "purpose"): None,
}
# Only these two can be asked what became of a call.
NO_LOOKUP = ("call:mail:lookup", "call:http:lookup")


def commits_and_calls(project: Path = PROJECT) -> set[str]:
    """Each name without its :before and :after, as `commit:claim` or `call:mail:send`."""
    found = set()
    handed_over: set[str] = set()
    for where, text in _code(project):
        for shaped, name in COMMIT.findall(text):
            found.update(f"commit:{one}" for one in _spelt_out(where, shaped, name))
        for shaped, name in CALL.findall(text):
            # The one place of all effects; which there are say the effects.
            if name.startswith("{place}:"):
                continue
            for one in _spelt_out(where, shaped, name):
                assert one.endswith((":before", ":after")), f"{where}: {one}"
                found.add(one.rpartition(":")[0])
        handed_over.update(HANDED_OVER.findall(text))
        for vendor, literal, purpose in EFFECT.findall(text):
            known = (purpose,) if literal else PURPOSES.get((vendor, purpose), ())
            assert known != (), f"{where}: add what {purpose!r} may be to tests/chaos/names.py"
            found.update(f"call:{vendor}:{one}" for one in known or ())
    found.update(f"call:slack:{one}" for one in handed_over)
    return found - set(NO_LOOKUP)


def _code(project: Path) -> Iterator[tuple[str, str]]:
    """Each file that is looked into, by its path in the project."""
    for root in ROOTS:
        for file in sorted((project / root).rglob("*.py")):
            where = file.relative_to(project).as_posix()
            if not where.startswith(NOT_THERE):
                yield where, file.read_text(encoding="utf-8")


def _spelt_out(where: str, shaped: str, name: str) -> Iterator[str]:
    parts = re.findall(r"\{([^}]+)\}", name) if shaped else []
    for part in parts:
        assert part in PARTS, f"{where}: {name!r}: add what {part!r} may be to tests/chaos/names.py"
    for given in product(*(PARTS[part] for part in parts)):
        spelt = name
        for part, one in zip(parts, given, strict=True):
            spelt = spelt.replace(f"{{{part}}}", one)
        yield spelt


# -- what is asked without a name -----------------------------------------------------------

PORTS = (Slack, Mailer, Crm, LLM)
# Calls that stand in no function with a failpoint of its own, and whose failpoint they pass.
BY_WAY_OF = {
    "Effect, which effects.py calls": (
        "engine/crm/writing.py: find_by_key",
        "engine/crm/writing.py: upsert_lead",
        "engine/crm/writing.py: update_customer",
        "engine/crm/writing.py: log_interaction",
        "engine/crm/writing.py: opt_out",
        "engine/mail/sending.py: send",
        "engine/mail/rehearsal.py: send",
        "engine/slack/posting.py: post",
        "engine/slack/posting.py: find",
    ),
    "read_crm of step_run.py": (
        "engine/crm/earlier_contacts.py: list_interactions",
        "engine/steps/crm_lists.py: list_customers",
        "engine/steps/crm_lists.py: list_overdue_invoices",
        "engine/steps/query.py: get_customer",
        "engine/steps/query.py: find_customer",
        "engine/steps/still.py: get_customer",
        "engine/steps/still.py: get_invoice",
    ),
    "nothing: bin/engine check, which a person types": (
        "engine/checks/vendors.py: whoami",
        "engine/checks/vendors.py: find_customer",
        "engine/checks/vendors.py: find_by_key",
    ),
}


def calls_past(project: Path = PROJECT) -> set[str]:
    """Calls of a port, as `engine/home_tab.py: publish_home`, that no failpoint stands at."""
    methods = {
        name
        for port in PORTS
        for name, method in vars(port).items()
        if inspect.isfunction(method) and "timeout" in inspect.signature(method).parameters
    } - {"prepare"}
    found = set()
    for where, text in _code(project):
        found.update(f"{where}: {name}" for name in _unmarked(ast.parse(text), methods))
    return found - {one for known in BY_WAY_OF.values() for one in known}


def _unmarked(tree: ast.AST, methods: set[str], *, marked: bool = False) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        here = marked
        if isinstance(node, ast.FunctionDef):
            here = marked or any(_is_call(one, {"reach"}) for one in ast.walk(node))
        if not here and _is_call(node, methods) and _has_timeout(node):
            yield node.func.attr  # type: ignore[attr-defined]
        yield from _unmarked(node, methods, marked=here)


def _is_call(node: ast.AST, names: set[str]) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    )


def _has_timeout(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(word.arg == "timeout" for word in node.keywords)
