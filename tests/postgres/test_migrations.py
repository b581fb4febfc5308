"""The migration runner on made-up lines of files, each against an empty database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from engine.errors import SchemaMismatch
from engine.postgres.migrations import MigrationFailed, migrate, verify
from tests.databases import Databases


@pytest.fixture
def empty(databases: Databases) -> Iterator[str]:
    with databases.fresh() as name:
        yield databases.dsn(name)


@pytest.fixture
def conn(empty: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty) as conn:
        yield conn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "procrastinate").mkdir()
    (tmp_path / "procrastinate" / "0001_schema.sql").write_text("create table jobs (id int);")
    (tmp_path / "0001_first.sql").write_text("create table first as select id from jobs;")
    (tmp_path / "0002_second.sql").write_text("insert into first values (1); select '100%';")
    return tmp_path


BOTH = [
    "sql/migrations/procrastinate/0001_schema.sql",
    "sql/migrations/0001_first.sql",
    "sql/migrations/0002_second.sql",
]


def test_applies_the_queues_line_first_and_everything_once(conn, folder) -> None:
    assert migrate(conn, folder) == BOTH
    assert migrate(conn, folder) == []
    verify(conn, folder)
    assert conn.execute("select count(*) from first").fetchone() == (1,)


def test_several_boots_at_once_apply_each_file_once(empty, folder) -> None:
    (folder / "0003_slow.sql").write_text("select pg_sleep(0.2); insert into first values (3);")
    gate = threading.Barrier(6)
    applied: list[str] = []

    def boot() -> None:
        with psycopg.connect(empty) as conn:
            gate.wait()
            applied.extend(migrate(conn, folder))

    boots = [threading.Thread(target=boot) for _ in range(6)]
    for thread in boots:
        thread.start()
    for thread in boots:
        thread.join()
    assert sorted(applied) == sorted([*BOTH, "sql/migrations/0003_slow.sql"])
    with psycopg.connect(empty) as conn:
        assert conn.execute("select count(*) from first").fetchone() == (2,)


def test_a_failing_file_leaves_nothing_and_names_its_line(conn, folder) -> None:
    (folder / "0003_bad.sql").write_text("create table third ();\n\nselect nonsense;\n")
    with pytest.raises(MigrationFailed, match=r"0003_bad\.sql:3: column \"nonsense\" does not"):
        migrate(conn, folder)
    assert conn.execute("select to_regclass('third')").fetchone() == (None,)
    assert conn.execute("select count(*) from schema_migrations").fetchone() == (3,)
    conn.rollback()

    (folder / "0003_bad.sql").write_text("create table third ();\n")
    assert migrate(conn, folder) == ["sql/migrations/0003_bad.sql"]


def test_an_edited_file_is_refused(conn, folder) -> None:
    migrate(conn, folder)
    (folder / "0001_first.sql").write_text("create table first (id bigint);")
    for call in (migrate, verify):
        with pytest.raises(SchemaMismatch, match=r"0001_first\.sql was edited after"):
            call(conn, folder)
        conn.rollback()


def test_a_newer_database_is_refused(conn, folder) -> None:
    migrate(conn, folder)
    (folder / "0002_second.sql").unlink()
    for call in (migrate, verify):
        with pytest.raises(SchemaMismatch, match=r"newer release has applied .*0002_second\.sql"):
            call(conn, folder)
        conn.rollback()


def test_an_older_database_is_not_worked_on(conn, folder) -> None:
    with pytest.raises(SchemaMismatch, match=r"0001_schema\.sql and 2 more; run bin/engine migr"):
        verify(conn, folder)
    conn.rollback()
    migrate(conn, folder)
    (folder / "0003_third.sql").write_text("create table third ();")
    with pytest.raises(SchemaMismatch, match=r"0003_third\.sql; run bin/engine migrate"):
        verify(conn, folder)


def test_a_file_behind_what_has_been_applied_is_refused(conn, folder) -> None:
    second = (folder / "0002_second.sql").rename(folder / "0003_second.sql")
    migrate(conn, folder)
    (folder / "0002_late.sql").write_text("select 1;")
    with pytest.raises(SchemaMismatch, match=rf"0002_late\.sql comes before {second.name}"):
        migrate(conn, folder)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("0002_other.sql", "have the same number"), ("third.sql", "is not named like")],
)
def test_a_misnamed_file_is_refused(conn, folder, name: str, complaint: str) -> None:
    (folder / name).write_text("select 1;")
    with pytest.raises(SchemaMismatch, match=complaint):
        migrate(conn, folder)


def test_a_file_may_not_end_its_transaction(conn, folder) -> None:
    (folder / "0003_third.sql").write_text("create table third ();\ncommit;\nselect nonsense;")
    with pytest.raises(MigrationFailed, match=r"0003_third\.sql begins or ends transactions"):
        migrate(conn, folder)
    assert conn.execute("select to_regclass('third')").fetchone() == (None,)


def test_an_open_transaction_is_a_mistake_of_the_caller(conn, folder) -> None:
    conn.execute("select 1")
    with pytest.raises(RuntimeError, match="in no transaction"):
        migrate(conn, folder)
