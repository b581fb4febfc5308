"""Putting the shipped agents, watchers and procedures into the database.

Run again it changes what changed in the files, and never publishes over a version that
somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine import agents, schedules, sop_files, sops, watchers, yaml_files
from engine.agents import Agent, AgentDefinition
from engine.business import Business, load_business
from engine.errors import NotFound, SopInvalid
from engine.postgres import Connection
from engine.sop_mistakes import KEY, path, said

SEED = "seed"


class AgentFile(BaseModel):
    """An agent as the file describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: str = Field(pattern=KEY)
    name: str = Field(min_length=1)
    description: str
    slack_channel: str = ""
    icon: str = ":robot_face:"
    loop_interval_minutes: int | None = Field(default=None, ge=1)
    services: tuple[str, ...] = ()
    sops: tuple[str, ...] = ()
    max_concurrent_tasks: int | None = Field(default=None, ge=1)
    essential: bool = False


class WatcherFile(BaseModel):
    """A watcher as the file describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    agent: str
    sop: str
    check_type: Literal["email_inbox", "schedule"]
    check_config: dict[str, Any] = Field(default_factory=dict)
    interval_seconds: int = Field(default=300, ge=1)


Entry = TypeVar("Entry", AgentFile, WatcherFile)


def seed(conn: Connection, folder: Path) -> Iterator[str]:
    """Bring the database in line with the files; yields a line for each thing it did."""
    for _, agent in _entries(folder / "agents.yaml", AgentFile):
        wanted = AgentDefinition(**dict(agent))
        yield _seeded(agents.define(conn, wanted), wanted)
    for file in sorted((folder / "sops").glob("*.yaml")):
        yield _seed_sop(conn, file)
    business = load_business(folder / "business.yaml")
    for where, watcher in _entries(folder / "watchers.yaml", WatcherFile):
        yield _seed_watcher(conn, where, watcher, business)


def _seeded(agent: Agent, wanted: AgentDefinition) -> str:
    """A limit that was set by hand is kept, and one in the file that differs is spoken of."""
    if agent.max_concurrent_tasks == wanted.max_concurrent_tasks:
        return f"agent {agent.slug}"
    kept, said = map(agents.said_limit, (agent.max_concurrent_tasks, wanted.max_concurrent_tasks))
    return (
        f"agent {agent.slug}: {kept} at once, kept; the file says {said}"
        f" (bin/engine agent limit {agent.slug} {wanted.max_concurrent_tasks or 'none'})"
    )


def _seed_sop(conn: Connection, file: Path) -> str:
    checked = sop_files.read(file)
    slug = checked.file.slug
    try:
        current = sops.active(conn, slug)
    except NotFound:
        latest = sops.sql.latest(conn, slug=slug)
        if latest is not None and latest["status"] == "disabled":
            return f"sop {slug}: disabled, left alone"
        sop = sop_files.save(conn, checked, origin=SEED, by=SEED)
        return f"sop {slug} v{sop.version}: published"
    if sop_files.same(conn, current, checked):
        return f"sop {slug} v{current.version}: unchanged"
    if current.origin != SEED:
        return f"sop {slug} v{current.version}: edited here, left alone; import replaces it"
    sop = sop_files.save(conn, checked, origin=SEED, by=SEED)
    return f"sop {slug} v{sop.version}: published"


def _seed_watcher(conn: Connection, where: str, watcher: WatcherFile, business: Business) -> str:
    if watcher.check_type == "schedule":
        seasons = {season.name for season in business.seasons}
        schedules.check(watcher.check_config, where=where, seasons=seasons)
    try:
        agent = agents.get_by_slug(conn, watcher.agent)
    except NotFound as error:
        raise SopInvalid(f"{where}, field agent: there is no {error.detail}") from None
    if sops.sql.latest(conn, slug=watcher.sop) is None:
        raise SopInvalid(
            f"{where}, field sop: there is no procedure {watcher.sop!r};"
            " its file belongs into the folder sops beside this one"
        )
    watchers.sql.upsert(
        conn,
        agent_id=agent.id,
        sop_slug=watcher.sop,
        name=watcher.name,
        check_type=watcher.check_type,
        check_config=Jsonb(watcher.check_config),
        interval_seconds=watcher.interval_seconds,
    )
    return f"watcher {watcher.name}"


def _entries(file: Path, form: type[Entry]) -> list[tuple[str, Entry]]:
    """What a file lists, each with its place for whoever is told of it."""
    raw = yaml_files.read(file, refuse=SopInvalid)
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        raise SopInvalid(f"{file}: expected a list, each entry of it beginning with a dash")
    kind = file.stem.removesuffix("s")
    found, problems = [], []
    for number, entry in enumerate(raw, start=1):
        name = entry.get("slug") or entry.get("name")
        where = f"{file}: {kind} {name!r}" if name else f"{file}: {kind} {number}"
        try:
            found.append((where, form.model_validate(entry)))
        except ValidationError as error:
            problems += [
                f"{where}, field {path(one['loc'])}: {said(one, form)}" for one in error.errors()
            ]
    if problems:
        raise SopInvalid("\n".join(problems))
    return found
