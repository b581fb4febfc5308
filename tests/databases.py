"""Databases for tests: one server, one migrated template, a fresh copy for each test.

The server is the embedded one, shared by the workers of one pytest-xdist run, or the
one that TEST_DATABASE_URL names (its role must be allowed to create databases).
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from engine.postgres.embedded import EmbeddedPostgres
from engine.postgres.migrations import migrate


class Databases:
    """Makes databases on one server and takes them away again."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._names = (f"engine_test_{os.getpid()}_{number}" for number in itertools.count(1))

    def dsn(self, name: str) -> str:
        return make_conninfo(self._server, dbname=name)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """A database at the newest schema, to copy from; its name."""
        with self.fresh() as name:
            with psycopg.connect(self.dsn(name), autocommit=True) as conn:
                migrate(conn)
                # What no test should find out by its speed: tables without statistics.
                conn.execute("analyze")
            yield name

    @contextmanager
    def fresh(self, template: str = "template0") -> Iterator[str]:
        name = next(self._names)
        create = "create database {} template {} strategy file_copy"
        self._run(create, name, template)
        try:
            yield name
        finally:
            self._run("drop database {} with (force)", name)

    def _run(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as conn:
            conn.execute(SQL(statement).format(*map(Identifier, names)))


@contextmanager
def server(run: str) -> Iterator[str]:
    """The DSN of a server; the last worker of the test run `run` to leave stops it."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    # Not pytest's own folder: as root, the server's account could not enter it.
    folder = fast_place() / f"engine-tests-{os.getuid()}-{run}"
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder, durable=False)
    try:
        postgres.start()
        yield postgres.dsn("postgres")
    finally:
        if postgres.release():
            shutil.rmtree(folder, ignore_errors=True)


def fast_place() -> Path:
    """Memory where there is plenty (a container's 64 MB are not), or else the disk."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30:
        return memory
    return Path(tempfile.gettempdir())
