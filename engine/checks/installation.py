"""What stands on this side of the vendors: settings, database, schema, keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg

from engine import hash_keys, settings_file
from engine.checks.finding import Finding, fail, miss, ok
from engine.errors import EngineError, HashKeyUnknown
from engine.postgres import connect, migrations
from engine.settings import Settings


def misspelt() -> Iterator[Finding]:
    given = {*os.environ, *settings_file.names(Path(settings_file.NAME))}
    for name, meant in settings_file.misspelt(given, _setting_names()):
        yield miss(name, f"is no setting, and is not read; {meant} is one")


def _setting_names() -> frozenset[str]:
    """As they stand in the environment."""
    fields = Settings.model_fields.items()
    return frozenset(str(field.validation_alias or name).upper() for name, field in fields)


def database(settings: Settings) -> Iterator[Finding]:
    try:
        with psycopg.connect(settings.database_url, autocommit=True, connect_timeout=5) as conn:
            version = conn.info.server_version // 10000
            migrations.verify(conn)
            people = conn.execute(
                "select count(*) from users where disabled_at is null and role = 'admin'"
            ).fetchone()
            procedures = conn.execute(
                "select count(*) from sops where status = 'active'"
            ).fetchone()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        yield fail("database", f"{reason}; check DATABASE_URL", blocking=True)
        return
    except EngineError as error:
        yield fail("schema", str(error), blocking=True)
        return
    if version < 15:
        yield fail("database", f"PostgreSQL {version}; 15 or later is needed", blocking=True)
    yield ok("database", f"PostgreSQL {version}, schema up to date")
    if not procedures or not procedures[0]:
        yield fail("procedures", "none is active; run: bin/engine seed", blocking=True)
    if not people or not people[0]:
        yield miss("people", "nobody can sign in; run: bin/engine user add you@example.com")


def secrets(settings: Settings) -> Iterator[Finding]:
    if min(map(len, settings.secret_keys)) < 32:
        yield fail("SECRET_KEY", "is shorter than 32 characters", blocking=True)
    try:
        with connect(settings.database_url) as conn:
            known = hash_keys.fits(conn, settings)
    except psycopg.Error:
        known = True  # said under "database"
    if not known:
        yield fail("SECRET_KEY", str(HashKeyUnknown()), blocking=True)
    if not settings.webhook_secret.get_secret_value():
        yield miss("WEBHOOK_SECRET", "empty: web forms are refused")
    if not settings.slack_signing_secret.get_secret_value():
        yield miss("SLACK_SIGNING_SECRET", "empty: clicks in Slack are refused")


def stand_ins(settings: Settings) -> Iterator[Finding]:
    """Live mode refuses the vendors' stand-ins."""
    for name in settings.stand_ins() if settings.mode == "live" else ():
        yield fail(name, "is a stand-in; live mode refuses it", blocking=True)
