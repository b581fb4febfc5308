"""The names of all commits and vendor calls that stand in the code, read from the code.

A name that is put together at run time stands here with its parts; one that is not known
here is an error, so that no commit and no call can be added past the crash matrix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from engine.settings import PROJECT

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
    "effect.vendor": VENDORS,
    "state": ("done", "refused", "in_doubt"),
    "place": (
        "call:slack:post",
        "call:slack:notify",
        "call:mail:send",
        "call:http:request",
        "call:crm:upsert_lead",
        "call:crm:update_customer",
        "call:crm:log_interaction",
        "call:crm:opt_out",
    ),
}
# Only these two can be asked what became of a call.
NO_LOOKUP = ("call:mail:lookup", "call:http:lookup")


def commits_and_calls() -> set[str]:
    """Each name without its :before and :after, as `commit:claim` or `call:mail:send`."""
    found = set()
    for root in ROOTS:
        for file in sorted((PROJECT / root).rglob("*.py")):
            where = file.relative_to(PROJECT).as_posix()
            if where.startswith(NOT_THERE):
                continue
            text = file.read_text(encoding="utf-8")
            for shaped, name in COMMIT.findall(text):
                found.update(f"commit:{one}" for one in _spelt_out(where, shaped, name))
            for shaped, name in CALL.findall(text):
                for one in _spelt_out(where, shaped, name):
                    assert one.endswith((":before", ":after")), f"{where}: {one}"
                    found.add(one.rpartition(":")[0])
    return found - set(NO_LOOKUP)


def _spelt_out(where: str, shaped: str, name: str) -> Iterator[str]:
    parts = re.findall(r"\{([^}]+)\}", name) if shaped else []
    for part in parts:
        assert part in PARTS, f"{where}: {name!r}: add what {part!r} may be to tests/chaos/names.py"
    for given in product(*(PARTS[part] for part in parts)):
        spelt = name
        for part, one in zip(parts, given, strict=True):
            spelt = spelt.replace(f"{{{part}}}", one)
        yield spelt
