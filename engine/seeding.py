"""Putting the shipped agents, watchers and procedures into the database.

Run again it changes what changed in the files, and never publishes over a version that
somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from psycopg.types.json import Jsonb

from engine import agents, schedules, sop_files, sops, watchers
from engine.agents import Agent, AgentDefinition
from engine.business import Business, load_business
from engine.errors import NotFound, SopInvalid
from engine.postgres import Connection

SEED = "seed"


def seed(conn: Connection, folder: Path) -> Iterator[str]:
    """Bring the database in line with the files; yields a line for each thing it did."""
    for entry in _list(folder / "agents.yaml"):
        wanted = _agent(folder / "agents.yaml", entry)
        yield _seeded(agents.define(conn, wanted), wanted)
    for file in sorted((folder / "sops").glob("*.yaml")):
        yield _seed_sop(conn, file)
    business = load_business(folder / "business.yaml")
    for entry in _list(folder / "watchers.yaml"):
        yield _seed_watcher(conn, folder / "watchers.yaml", entry, business)


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


def _seed_watcher(conn: Connection, file: Path, entry: dict[str, Any], business: Business) -> str:
    if entry["check_type"] == "schedule":
        seasons = {season.name for season in business.seasons}
        where = f"{file}: watcher {entry['name']!r}"
        schedules.check(entry.get("check_config", {}), where=where, seasons=seasons)
    agent = agents.get_by_slug(conn, entry["agent"])
    watchers.sql.upsert(
        conn,
        agent_id=agent.id,
        sop_slug=entry["sop"],
        name=entry["name"],
        check_type=entry["check_type"],
        check_config=Jsonb(entry.get("check_config", {})),
        interval_seconds=entry.get("interval_seconds", 300),
    )
    return f"watcher {entry['name']}"


def _agent(file: Path, entry: dict[str, Any]) -> AgentDefinition:
    known = {field.name for field in fields(AgentDefinition)}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise SopInvalid(f"{file}: agent {entry.get('slug')!r}, field {unknown[0]}: is not known")
    missing = sorted({"slug", "name", "description"} - set(entry))
    if missing:
        raise SopInvalid(f"{file}: agent {entry.get('slug')!r}, field {missing[0]}: is missing")
    lists = {name: tuple(entry[name]) for name in ("services", "sops") if name in entry}
    return AgentDefinition(**{**entry, **lists})


def _list(file: Path) -> list[dict[str, Any]]:
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SopInvalid(f"{file}: cannot be read ({type(error).__name__})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SopInvalid(f"{file}: expected a list of entries")
    return entries
