"""SOPs: procedures in versions. A published version never changes; a running task keeps
the version that it began with.

Editing makes a draft of the next version, publishing swaps them in one transaction. The
file form is `sop_files.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Json, Jsonb
from pydantic import ValidationError

from engine import task_events
from engine.errors import NotFound, SopInvalid
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader
from engine.steps import STEP_TYPES
from engine.steps.contract import Step
from engine.task_events import Event

sql = queries("sops")


@dataclass(frozen=True, slots=True)
class Sop:
    id: UUID
    slug: str
    version: int
    name: str
    description: str
    agent_id: UUID
    trigger_type: str
    trigger_config: dict[str, Any]
    required_services: list[str]
    max_tier: int
    status: str
    origin: str
    created_at: datetime
    published_at: datetime | None


of_row = reader(Sop)
step_of_row = reader(Step)


@dataclass(frozen=True, slots=True)
class Procedure:
    """An SOP version with its steps, ready to be run."""

    sop: Sop
    steps: tuple[Step, ...]

    def step(self, step_id: UUID | None) -> Step:
        """The step with this id; the first one where a task has not begun."""
        return next((step for step in self.steps if step.id == step_id), self.steps[0])

    def by_key(self, key: str) -> Step:
        for step in self.steps:
            if step.key == key:
                return step
        raise SopInvalid(f"{self.sop.slug}: there is no step {key!r}")

    def after(self, step: Step) -> Step | None:
        """The step at the next position, or None at the end."""
        return self.steps[step.position] if step.position < len(self.steps) else None


def get(conn: Connection, sop_id: UUID) -> Sop:
    row = sql.get(conn, sop_id=sop_id)
    if row is None:
        raise NotFound(f"SOP {sop_id}")
    return of_row(row)


def active(conn: Connection, slug: str) -> Sop:
    """The published version of a procedure."""
    row = sql.active(conn, slug=slug)
    if row is None:
        known = ", ".join(sorted({sop["slug"] for sop in sql.list(conn)})) or "none yet"
        raise NotFound(f"active SOP {slug!r} (there are: {known})")
    return of_row(row)


def for_event(conn: Connection, event: str) -> list[Sop]:
    """The active procedures that say `events: [<event>]`."""
    return [of_row(row) for row in sql.for_event(conn, event=event)]


def procedure(conn: Connection, sop_id: UUID) -> Procedure:
    """The version with its steps and their parsed configs."""
    sop = get(conn, sop_id)
    return Procedure(sop, tuple(_step(row) for row in sql.steps(conn, sop_id=sop_id)))


def _step(row: dict[str, Any]) -> Step:
    try:
        config = STEP_TYPES[row["step_type"]].Config.model_validate(row["config"])
    except ValidationError as error:
        raise SopInvalid(f"step {row['key']!r}: {error.errors()[0]['msg']}") from error
    return step_of_row({**row, "config": config})


class Procedures:
    """Published versions by id. They never change, so each is read once per process."""

    def __init__(self) -> None:
        self._known: dict[UUID, Procedure] = {}

    def of(self, conn: Connection, sop_id: UUID) -> Procedure:
        known = self._known.get(sop_id)
        if known is None:
            known = self._known[sop_id] = procedure(conn, sop_id)
        return known


def publish(conn: Connection, sop_id: UUID, *, by: str) -> Sop:
    """Make the draft the active version, and the active one superseded."""
    draft = get(conn, sop_id)
    sql.lock_slug(conn, slug=draft.slug)
    sql.supersede(conn, slug=draft.slug)
    row = sql.publish(conn, sop_id=sop_id)
    if row is None:
        raise SopInvalid(f"{draft.slug} version {draft.version} is {draft.status}, not a draft")
    task_events.append_configuration(
        conn,
        Event("sop_published", actor=by, output_summary=f"{draft.slug} v{draft.version}"),
        agent_id=draft.agent_id,
    )
    return of_row(row)


def save_draft(
    conn: Connection, definition: dict[str, Any], steps: list[dict[str, Any]], *, agent_id: UUID
) -> Sop:
    """Write a draft of the next version; an earlier draft of the slug is replaced."""
    slug = definition["slug"]
    sql.lock_slug(conn, slug=slug)
    sql.drop_draft_steps(conn, slug=slug)
    sql.drop_drafts(conn, slug=slug)
    row = sql.draft(
        conn,
        **{**definition, "trigger_config": Jsonb(definition["trigger_config"])},
        agent_id=agent_id,
    )
    for position, step in enumerate(steps, start=1):
        sql.add_step(
            conn, **{**step, "config": Json(step["config"])}, sop_id=row["id"], position=position
        )
    return of_row(row)
