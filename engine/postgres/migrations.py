"""Brings a database to the schema that this program was written for.

Two lines of forward-only files: `procrastinate` (the queue's own schema, verbatim) and
`engine` (ours). `schema_migrations` remembers each with the checksum of its text.
`bin/engine migrate` calls `migrate`; web and worker call `verify` before anything else.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from engine.errors import EngineError, SchemaMismatch

FOLDER = Path(__file__).resolve().parents[2] / "sql" / "migrations"
OLDEST_SERVER = 15
# Any number will do as long as no one else in the database uses it.
ADVISORY_LOCK = 7_305_881_264_019
OWN_TRANSACTION = re.compile(rb"^\s*(begin|commit|rollback)\s*;", re.IGNORECASE | re.MULTILINE)
TABLE = """
create table if not exists schema_migrations (
    line text not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (line, name)
)
"""


class MigrationFailed(EngineError):
    """A migration could not be applied, and nothing of it was kept."""

    code = "migration_failed"


@dataclass(frozen=True)
class Migration:
    line: str
    name: str
    text: bytes
    checksum: str


Applied = dict[tuple[str, str], str]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Every file in the order of its application: the queue's line, then ours."""
    lines = (("procrastinate", folder / "procrastinate"), ("engine", folder))
    return [_read(line, path) for line, place in lines for path in _numbered(place)]


def migrate(conn: Connection[Any], folder: Path = FOLDER) -> list[str]:
    """Apply what is missing, one transaction per file; the names of what was applied.

    Safe to call from several processes at once: each file's transaction begins by taking
    one advisory lock and reading anew what has been applied meanwhile.
    """
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        raise RuntimeError("migrate needs a connection that is in no transaction")
    _refuse_old_server(conn)
    files = migrations(folder)
    names: list[str] = []
    while name := _apply_next(conn, files):
        names.append(name)
    return names


def verify(conn: Connection[Any], folder: Path = FOLDER) -> None:
    """Raise SchemaMismatch unless exactly our files have been applied."""
    _refuse_old_server(conn)
    pending = _pending(migrations(folder), _applied(conn))
    if pending:
        more = f" and {len(pending) - 1} more" if len(pending) > 1 else ""
        raise SchemaMismatch(
            f"it lacks {_path(pending[0].line, pending[0].name)}{more}; run bin/engine migrate"
        )


def _apply_next(conn: Connection[Any], files: list[Migration]) -> str | None:
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        conn.execute(TABLE)
        pending = _pending(files, _applied(conn))
        if not pending:
            return None
        _apply(conn, pending[0])
    return _path(pending[0].line, pending[0].name)


def _apply(conn: Connection[Any], migration: Migration) -> None:
    if OWN_TRANSACTION.search(migration.text):
        path = _path(migration.line, migration.name)
        raise MigrationFailed(f"{path} begins or ends transactions; take that out of it")
    # A migration that waits for a lock makes everyone behind it wait too; better that the
    # release fails, keeps nothing and is tried again.
    conn.execute("set local lock_timeout = '30s'")
    try:
        conn.execute(migration.text)
    except psycopg.Error as error:
        raise MigrationFailed(_why(migration, error)) from error
    conn.execute(
        "insert into schema_migrations (line, name, checksum) values (%s, %s, %s)",
        [migration.line, migration.name, migration.checksum],
    )


def _applied(conn: Connection[Any]) -> Applied:
    with conn.cursor(row_factory=tuple_row) as cursor:
        exists = cursor.execute("select to_regclass('schema_migrations')").fetchone()
        if exists is None or exists[0] is None:
            return {}
        rows = cursor.execute("select line, name, checksum from schema_migrations")
        return {(line, name): checksum for line, name, checksum in rows}


def _pending(files: list[Migration], applied: Applied) -> list[Migration]:
    """What is still to be applied; raises when history and files contradict each other."""
    known = {(file.line, file.name) for file in files}
    for line, name in sorted(applied):
        if (line, name) not in known:
            raise SchemaMismatch(
                f"a newer release has applied {_path(line, name)}, which this one does not know;"
                " deploy that release or a later one"
            )
    for file in files:
        if applied.get((file.line, file.name), file.checksum) != file.checksum:
            raise SchemaMismatch(
                f"{_path(file.line, file.name)} was edited after it had been applied; restore it"
                " and put the change into a new file"
            )
    pending = [file for file in files if (file.line, file.name) not in applied]
    for file in pending:
        later = sorted(name for line, name in applied if line == file.line and name > file.name)
        if later:
            raise SchemaMismatch(
                f"{_path(file.line, file.name)} comes before {later[0]}, which has been applied;"
                " give it the next free number"
            )
    return pending


def _numbered(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("*.sql"))
    seen: dict[str, str] = {}
    for path in paths:
        number = re.match(r"(\d{4})_\w+\.sql$", path.name)
        if number is None:
            raise SchemaMismatch(f"{path.name} is not named like 0007_what_it_does.sql")
        if number[1] in seen:
            raise SchemaMismatch(f"{seen[number[1]]} and {path.name} have the same number")
        seen[number[1]] = path.name
    return paths


def _read(line: str, path: Path) -> Migration:
    text = path.read_bytes()
    return Migration(line, path.name, text, hashlib.sha256(text).hexdigest())


def _path(line: str, name: str) -> str:
    return f"sql/migrations/{name}" if line == "engine" else f"sql/migrations/{line}/{name}"


def _why(migration: Migration, error: psycopg.Error) -> str:
    where = _path(migration.line, migration.name)
    if position := error.diag.statement_position:
        before = migration.text.decode()[: int(position) - 1]
        where += f":{before.count(chr(10)) + 1}"
    message = error.diag.message_primary or str(error)
    return f"{where}: {message}"


def _refuse_old_server(conn: Connection[Any]) -> None:
    version = conn.info.server_version // 10_000
    if version < OLDEST_SERVER:
        raise SchemaMismatch(f"PostgreSQL {version} is too old; {OLDEST_SERVER} or later is needed")
