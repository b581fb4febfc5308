"""Campaigns: procedures that draft to many at once, and what an absence does to them.

A campaign is a procedure with a `for_each` whose children ask on the batch's card. While an
owner is away none that makes offers is started by its schedule; while nobody is here to
approve, none at all is, and no batch is posted (`batches.post_ready`). What a schedule has
missed runs once, on return. `gate.py` holds the mail.
"""

from __future__ import annotations

from engine import sops
from engine.attendance import attendance
from engine.errors import NotFound
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.sops import Sop


def held_back(runtime: Runtime, conn: Connection, sop: Sop) -> bool:
    """Whether somebody's absence keeps a schedule from starting this procedure now."""
    here = attendance(conn)
    if not here.away:
        return False
    commercial = _batches(runtime, conn, sop)
    return any(commercial) or bool(commercial and not here.present)


def _batches(runtime: Runtime, conn: Connection, sop: Sop) -> list[bool]:
    """For each approval on a batch's card that it leads to: whether it is of an offer."""
    found: list[bool] = []
    for step in runtime.procedures.of(conn, sop.id).steps:
        if step.step_type != "for_each":
            continue
        try:
            child = sops.active(conn, step.config.sop)  # type: ignore[attr-defined]
        except NotFound:
            continue
        asking = [s.config for s in runtime.procedures.of(conn, child.id).steps]
        found += [
            config.mail.commercial  # type: ignore[attr-defined]
            for config in asking
            if getattr(config, "batch", False)
        ]
    return found
