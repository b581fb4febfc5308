"""A PostgreSQL for a benchmark: durable, fresh, thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import EngineError
from engine.postgres import Connection, connect
from engine.postgres.embedded import EmbeddedPostgres
from engine.postgres.migrations import migrate


class NotDurable(EngineError):
    """Figures from a database that may forget commits would be worth nothing."""

    code = "not_durable"


@contextmanager
def benchmark_database() -> Iterator[str]:
    """The DSN of a migrated, durable database; BENCH_DATABASE_URL names another server's."""
    if given := os.environ.get("BENCH_DATABASE_URL"):
        with connect(given) as conn:
            refuse_unless_durable(conn)
            migrate(conn)
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="engine-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres")
    try:
        dsn = server.start()
        with connect(dsn) as conn:
            refuse_unless_durable(conn)
            migrate(conn)
        yield dsn
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def refuse_unless_durable(conn: Connection) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        row = conn.execute("select current_setting(%s) as value", [setting]).fetchone()
        if row is None or row["value"] != "on":
            raise NotDurable(f"{setting} is off; set it on")
