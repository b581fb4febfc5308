"""The limit: how many durable commits of an audit insert and a task update one server does.

Measured by pgbench with eight clients, so that no Python is in the way.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from engine.errors import EngineError
from engine.postgres import connect
from engine.postgres.binaries import binaries_for

CLIENTS = 8
SETUP = """
create table if not exists bench_tasks (
    id bigint primary key, status text not null, context jsonb not null default '{}',
    step int not null default 0, updated_at timestamptz not null default now()
) with (fillfactor = 70);
create table if not exists bench_events (
    id uuid primary key default new_id(), task_id bigint not null, event_type text not null,
    duration_ms int, summary text, created_at timestamptz not null default now());
insert into bench_tasks (id, status) select n, 'in_progress' from generate_series(1, 10000) n
on conflict do nothing;
"""
SCRIPT = r"""
\set task random(1, 10000)
begin;
insert into bench_events (task_id, event_type, duration_ms, summary)
values (:task, 'step_completed', 12, 'done');
update bench_tasks set step = step + 1, context = '{"step": "done"}', updated_at = now()
 where id = :task;
end;
"""


class NoPgbench(EngineError):
    """pgbench is needed to take the limit."""

    code = "no_pgbench"


def measure(dsn: str, *, seconds: float = 5.0) -> float:
    """Commits per second."""
    with connect(dsn) as conn:
        conn.execute(SETUP)
    script = Path(tempfile.mkstemp(suffix=".sql")[1])
    script.write_text(SCRIPT)
    try:
        said = subprocess.run(
            [_pgbench(), "--no-vacuum", "--protocol", "prepared", "--client", str(CLIENTS),
             "--jobs", "2", "--time", str(max(1, round(seconds))), "--file", str(script), dsn],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        script.unlink()
    found = re.search(r"tps = ([\d.]+)", said.stdout)
    if found is None:
        raise NoPgbench(said.stdout[-200:])
    return float(found[1])


def _pgbench() -> str:
    """The wheel's own, for the server's major version; else the one on the PATH."""
    bundled = binaries_for(None).folder / "pgbench"
    found = str(bundled) if bundled.exists() else shutil.which("pgbench")
    if found is None:
        raise NoPgbench("install postgresql-contrib, or put pgbench on the PATH")
    return found
