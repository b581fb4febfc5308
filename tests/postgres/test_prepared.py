"""Statements on a connection: what happens to them when it breaks, rolls back or is migrated."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import Jsonb

from engine.postgres import COLLISIONS, DATABASE_DOWN, Connection, Database, connect
from engine.postgres.queries import Kind, Query


def query(sql: str, kind: Kind = "one") -> Query:
    return Query("asked", kind, "", sql, 1)


def test_values_arrive_as_they_left(conn: Connection) -> None:
    sent = {
        "words": "ü 'quoted' \\ %s",
        "number": 2**40,
        "exact": Decimal("12.50"),
        "share": 0.25,
        "yes": True,
        "none": None,
        "id": uuid4(),
        "bytes": b"\0\\x\xff",
        "at": datetime(2026, 3, 8, 2, 30, tzinfo=UTC),
        "json": Jsonb({"a": [1, None]}),
        "list": ["a", 'b"c', None],
    }
    types = "text bigint numeric float8 boolean text uuid bytea timestamptz jsonb text[]"
    columns = ", ".join(f"%({n})s::{t} as {n}" for n, t in zip(sent, types.split(), strict=True))
    row = query(f"select {columns}")(conn, **sent)
    assert row == sent | {"json": {"a": [1, None]}}


def test_each_kind_says_what_came_back(conn: Connection) -> None:
    series = "select n, n * 2 as twice from generate_series(1, %(to)s) n"
    assert query(series, "many")(conn, to=2) == [{"n": 1, "twice": 2}, {"n": 2, "twice": 4}]
    assert query(series, "one")(conn, to=2) == {"n": 1, "twice": 2}
    assert query(series, "one")(conn, to=0) is None
    assert query(series, "value")(conn, to=2) == 1
    assert query(series, "value")(conn, to=0) is None
    assert query("create temporary table things (n int)", "exec")(conn) == 0
    assert query("insert into things values (1), (2)", "exec")(conn) == 2


def test_an_error_is_psycopgs_own_and_nothing_is_lost(conn: Connection) -> None:
    bad = query("select 1 / %(by)s::int as n")
    with pytest.raises(psycopg.errors.DivisionByZero):
        bad(conn, by=0)
    assert bad(conn, by=1) == {"n": 1}
    with pytest.raises(psycopg.errors.UndefinedTable):
        query("select * from nowhere")(conn)


def test_what_a_transaction_prepared_outlives_its_end(conn: Connection) -> None:
    one = query("select %(n)s::int as n")
    with conn.transaction(force_rollback=True):
        one(conn, n=1)
        for _ in range(9):
            conn.execute("select 1")
    assert one(conn, n=2) == {"n": 2}


def test_what_psycopg_ran_before_ours_takes_nothing_away(database: str) -> None:
    """It prepares what it runs often, and after a rollback has the server forget everything."""
    one = query("select %(n)s::int as n")
    pool = Database(database, size=1)
    pool.open()
    with closing(pool), pool.read() as conn:
        for _ in range(9):
            conn.execute("select 1")
        assert one(conn, n=1) == {"n": 1}
        with conn.transaction(force_rollback=True):
            conn.execute("select 1")
        conn.execute("select 1")
        assert one(conn, n=2) == {"n": 2}


def test_what_somebody_else_had_forgotten_is_prepared_anew(conn: Connection) -> None:
    """A pooler in between, say."""
    one = query("select %(n)s::int as n")
    assert one(conn, n=1) == {"n": 1}
    conn.execute("deallocate all")
    assert one(conn, n=2) == {"n": 2}
    conn.execute("deallocate all")
    with pytest.raises(COLLISIONS), conn.transaction():
        one(conn, n=3)
    with conn.transaction():
        assert one(conn, n=3) == {"n": 3}


def test_a_column_that_a_migration_adds_is_seen(database: str, conn: Connection) -> None:
    every = query("select * from things")
    conn.execute("create table things as select 1 as n")
    assert every(conn) == {"n": 1}
    with connect(database) as migrating:
        migrating.execute("alter table things add m int default 2")
    assert every(conn) == {"n": 1, "m": 2}


def test_a_connection_that_broke_says_so(database: str, conn: Connection) -> None:
    one = query("select 1 as n")
    with connect(database) as mine:
        one(mine)
        conn.execute("select pg_terminate_backend(%s)", [mine.info.backend_pid])
        with pytest.raises(DATABASE_DOWN):
            one(mine)
        with pytest.raises(DATABASE_DOWN):
            one(mine)


LAST_WORD = b"SWARNING\0VWARNING\0C57P02\0Mterminating connection\0\0"


@contextmanager
def mortal(dsn: str, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A way to the server by a socket of our own, and what ends it as a crashed server does:
    with a warning, and nobody there any more."""
    facts = conninfo_to_dict(dsn)
    host, port = str(facts.get("host") or "127.0.0.1"), int(facts.get("port") or 5432)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / f".s.PGSQL.{port}"))
    listening.listen()
    client = socket.socket()
    over = threading.Event()

    def carry() -> None:
        nonlocal client
        client, _ = listening.accept()
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
        else:
            server = socket.create_connection((host, port))
        with server:
            while not over.is_set():
                for end in select.select([client, server], [], [], 0.05)[0]:
                    (server if end is client else client).sendall(end.recv(65536))

    carrying = threading.Thread(target=carry, daemon=True)
    carrying.start()

    def die() -> None:
        over.set()
        carrying.join()
        client.sendall(b"N" + (len(LAST_WORD) + 4).to_bytes(4) + LAST_WORD)
        client.close()

    with listening:
        yield make_conninfo(dsn, host=str(folder)), die


def test_a_server_that_crashed_with_a_last_word_is_down(database: str, tmp_path: Path) -> None:
    """Libpq reads that word and does not know yet that nothing more comes."""
    one = query("select 1 as n")
    with mortal(database, tmp_path) as (dsn, die), connect(dsn) as mine:
        assert one(mine) == {"n": 1}
        die()
        for _ in range(2):
            with pytest.raises(DATABASE_DOWN):
                one(mine)
        assert mine.closed


def test_so_it_is_for_what_psycopg_runs_itself(database: str, tmp_path: Path) -> None:
    """The begin of a transaction, say."""
    with mortal(database, tmp_path) as (dsn, die), closing(Database(dsn, size=1)) as pool:
        pool.open()
        with pool.read() as conn:
            conn.execute("select 1")
        die()
        with pytest.raises(DATABASE_DOWN), pool.transaction("test"):
            pass


def test_one_statement_serves_numbers_of_every_size(conn: Connection) -> None:
    """A statement for each size of each number would be many, each with its own plan."""
    add = query("select %(a)s::bigint + %(b)s::bigint as n")
    for size in (1, 2**20, 2**40):
        add(conn, a=size, b=1)
        add(conn, a=1, b=size)
    row = conn.execute("select count(*)::int as n from pg_prepared_statements").fetchone()
    assert row == {"n": 1}


def test_ids_are_compared_as_ids(conn: Connection) -> None:
    mine: UUID = uuid4()
    assert query("select %(id)s::uuid::text as id")(conn, id=mine) == {"id": str(mine)}
