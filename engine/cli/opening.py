"""Opening what a command needs: the settings, the database, the runtime.

On the embedded database the schema and the shipped procedures are put in place at once;
on a real one that is `bin/engine migrate` and `bin/engine seed`, run on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict

from engine import hash_keys
from engine.business import load_business
from engine.cli.interruption import interruptible
from engine.errors import SettingsInvalid
from engine.postgres import Connection, Database, connect, migrations
from engine.postgres.embedded import EmbeddedPostgres
from engine.runtime import Runtime, build_runtime
from engine.seeding import seed
from engine.settings import Settings, read_settings


@contextmanager
def opened_settings() -> Iterator[Settings]:
    """The settings with a DATABASE_URL that leads somewhere."""
    settings = read_settings()
    if settings.database_url:
        try:
            conninfo_to_dict(settings.database_url)
        except psycopg.ProgrammingError:
            raise SettingsInvalid(
                "DATABASE_URL is no address of a database; it looks like"
                " postgresql://user:password@host:5432/name"
            ) from None
        yield settings
        return
    if settings.mode == "live":
        raise SettingsInvalid("live mode needs a real PostgreSQL: set DATABASE_URL")
    # Leaving it stops the server, unless another process is using it too.
    with EmbeddedPostgres(settings.data_dir / "postgres") as server:
        dsn = server.dsn()
        prepare(dsn, settings)
        yield settings.model_copy(update={"database_url": dsn})


def prepare(dsn: str, settings: Settings) -> None:
    """Schema and shipped procedures, in place."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        migrations.migrate(conn)
    database = Database(dsn, size=1)
    database.open()
    with database.transaction("seed") as conn:
        for _ in seed(conn, settings.seeds_dir):
            pass
    database.close()


def verify_database(settings: Settings) -> None:
    """Refuse a schema that is older or newer than the program, another SECRET_KEY, and in
    earnest a clock that a rehearsal has moved."""
    with connect(settings.database_url) as conn:
        migrations.verify(conn)
        hash_keys.confirm(conn, settings)
        if settings.mode == "live":
            _refuse_moved_clock(conn)


def _refuse_moved_clock(conn: Connection) -> None:
    row = conn.execute("select shift::text, shift <> '0' as moved from clock").fetchone()
    if row is not None and row["moved"]:
        raise SettingsInvalid(
            f"the clock of this database was moved by {row['shift']}, and every deadline with it;"
            " take a database that was not used for tests, or set its one row of `clock` to zero"
        )


@contextmanager
def opened_database(*, verify: bool = True) -> Iterator[tuple[Settings, Database]]:
    with opened_settings() as settings:
        if verify:
            verify_database(settings)
        database = Database(settings.database_url, size=2, application="engine cli")
        database.open()
        try:
            with interruptible(database):
                yield settings, database
        finally:
            database.close()


def company_zone(settings: Settings) -> ZoneInfo:
    """Of the company's clock, by which every command tells times."""
    return load_business(settings.seeds_dir / "business.yaml").zone


@contextmanager
def opened_runtime() -> Iterator[Runtime]:
    with opened_database() as (settings, database):
        yield build_runtime(settings, database)
