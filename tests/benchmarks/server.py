"""A PostgreSQL for a benchmark: durable, fresh, thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import EngineError
from engine.postgres import Connection, connect
from engine.postgres.embedded import EmbeddedPostgres
from engine.postgres.migrations import migrate

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class NotDurable(EngineError):
    """Figures from a database that may forget commits would be worth nothing."""

    code = "not_durable"


@contextmanager
def benchmark_database() -> Iterator[str]:
    """The DSN of a migrated, durable database; BENCH_DATABASE_URL names another server's."""
    if given := os.environ.get("BENCH_DATABASE_URL"):
        prepare(given)
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="engine-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres")
    try:
        dsn = server.start()
        prepare(dsn)
        yield dsn
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def prepare(dsn: str) -> None:
    with connect(dsn) as conn:
        refuse_unless_durable(conn)
        migrate(conn)


@contextmanager
def fresh_database(dsn: str, name: str) -> Iterator[str]:
    """An empty database beside ours, for a peer that makes its own tables."""
    with connect(dsn) as conn:
        conn.execute(f"create database {name} template template0")
    try:
        yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
    finally:
        with connect(dsn) as conn:
            conn.execute(f"drop database {name} with (force)")


def refuse_unless_durable(conn: Connection) -> None:
    for setting in DURABLE:
        row = conn.execute("select current_setting(%s) as value", [setting]).fetchone()
        if row is None or row["value"] != "on":
            raise NotDurable(f"{setting} is off; set it on")
