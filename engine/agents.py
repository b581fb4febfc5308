"""Agents: roles with a remit, never processes.

An agent says in whose name a task acts, where it speaks in Slack, which services it may
use and how many of its tasks may run at once. Pausing one keeps its tasks from being
claimed and holds its effects back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from engine import queue, task_events
from engine.errors import NotFound
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.postgres.rows import reader
from engine.task_events import Event

sql = queries("agents")


@dataclass(frozen=True, slots=True)
class Agent:
    id: UUID
    slug: str
    name: str
    description: str
    status: str
    slack_channel: str
    icon: str
    loop_interval_minutes: int | None
    next_loop_at: datetime | None
    last_heartbeat_at: datetime | None
    capabilities: dict[str, Any]
    max_concurrent_tasks: int | None
    running_tasks: int
    essential: bool
    created_at: datetime
    updated_at: datetime

    def may_use(self, service: str) -> bool:
        return service in self.capabilities.get("services", ())


of_row = reader(Agent)


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """An agent as a file describes it."""

    slug: str
    name: str
    description: str
    slack_channel: str = ""
    icon: str = ":robot_face:"
    loop_interval_minutes: int | None = None
    services: tuple[str, ...] = ()
    sops: tuple[str, ...] = field(default=())
    max_concurrent_tasks: int | None = None
    essential: bool = False


def from_json(row: dict[str, Any]) -> Agent:
    """The agent from its row as PostgreSQL writes it as JSON."""
    moments = {
        name: datetime.fromisoformat(row[name])
        for name in ("next_loop_at", "last_heartbeat_at", "created_at", "updated_at")
        if row[name] is not None
    }
    return of_row({**row, **moments, "id": UUID(row["id"])})


def get(conn: Connection, agent_id: UUID) -> Agent:
    row = sql.get(conn, agent_id=agent_id)
    if row is None:
        raise NotFound(f"agent {agent_id}")
    return of_row(row)


def get_by_slug(conn: Connection, slug: str) -> Agent:
    row = sql.get_by_slug(conn, slug=slug)
    if row is None:
        known = ", ".join(agent.slug for agent in list_all(conn)) or "none yet"
        raise NotFound(f"agent {slug!r} (there are: {known})")
    return of_row(row)


def list_all(conn: Connection) -> list[Agent]:
    return [of_row(row) for row in sql.list(conn)]


def define(conn: Connection, agent: AgentDefinition) -> Agent:
    """Create the agent, or bring it in line with its file."""
    row = sql.upsert(
        conn,
        slug=agent.slug,
        name=agent.name,
        description=agent.description,
        slack_channel=agent.slack_channel,
        icon=agent.icon,
        loop_interval_minutes=agent.loop_interval_minutes,
        capabilities=Jsonb({"services": list(agent.services), "sops": list(agent.sops)}),
        max_concurrent_tasks=agent.max_concurrent_tasks,
        essential=agent.essential,
    )
    return of_row(row)


def pause(conn: Connection, slug: str, *, by: str) -> bool:
    """True where the agent was not paused before."""
    return _set_status(conn, slug, "paused", by)


def resume(conn: Connection, slug: str, *, by: str) -> bool:
    changed = _set_status(conn, slug, "active", by)
    queue.wake(conn, "run_tasks")
    return changed


def set_limit(conn: Connection, slug: str, limit: int | None, *, by: str) -> bool:
    """How many of its tasks may run at once; None: as many as there are threads. False where
    it was so before."""
    agent = get_by_slug(conn, slug)
    if sql.set_limit(conn, slug=slug, limit=limit) is None:
        return False
    said = f"{slug}: {said_limit(limit)} at once"
    event = Event("agent_changed", actor=by, output_summary=said)
    task_events.append_configuration(conn, event, agent_id=agent.id)
    queue.wake(conn, "run_tasks")
    return True


def said_limit(limit: int | None) -> str:
    return "any number" if limit is None else str(limit)


def _set_status(conn: Connection, slug: str, status: str, by: str) -> bool:
    agent = get_by_slug(conn, slug)
    if sql.set_status(conn, slug=slug, status=status) is None:
        return False
    event = "agent_paused" if status == "paused" else "agent_resumed"
    task_events.append_configuration(
        conn, Event(event, actor=by, output_summary=slug), agent_id=agent.id
    )
    return True
