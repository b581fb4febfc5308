"""`sql/schema.sql`: what all migrations together come to, for reading and for diffs.

`python -m engine.postgres.schema_dump` writes it anew after a change of the migrations;
a test fails until that is done. Procrastinate's objects are left out: they stand word
for word in `sql/migrations/procrastinate/`.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import psycopg

from engine.postgres.binaries import EmbeddedFailed, binaries_for
from engine.postgres.embedded import EmbeddedPostgres
from engine.postgres.migrations import migrate

FILE = Path(__file__).resolve().parents[2] / "sql" / "schema.sql"
HEADING = """\
-- Written by `python -m engine.postgres.schema_dump`; do not edit. The comments that say
-- why things are as they are stand in sql/migrations/.
"""
# pg_dump heads each object so: "-- Name: tasks; Type: TABLE; Schema: public; Owner: -".
_OBJECT = re.compile(r"^--\n-- (?P<what>Name: .*)\n--\n", re.MULTILINE)
_FOREIGN = ("procrastinate", "schema_migrations")


def dump(dsn: str) -> str:
    """The schema of a migrated database, the same for the same migrations."""
    # As ourselves even if we are root: only the server minds.
    told = binaries_for(None).run("pg_dump", "--schema-only", "--no-owner", "--no-acl", dsn)
    if told.returncode:
        raise EmbeddedFailed(f"pg_dump: {told.stderr.strip()}")
    text = told.stdout.partition("\n--\n-- PostgreSQL database dump complete")[0]
    objects = _OBJECT.split(text)[1:]
    kept = [
        body.strip()
        for name, body in zip(objects[::2], objects[1::2], strict=True)
        if not any(word in name for word in _FOREIGN)
    ]
    lines = "\n\n".join([HEADING, *kept]).splitlines()
    settings = re.compile(r"SET default_\w+ = .*;$")
    text = "\n".join(line for line in lines if not settings.match(line))
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder), durable=False) as postgres:
            with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
                migrate(conn)
            FILE.write_text(dump(postgres.dsn()))


if __name__ == "__main__":
    main()
