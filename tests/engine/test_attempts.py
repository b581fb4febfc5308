"""How often a door may be tried."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg.rows import dict_row

from engine import attempts
from engine.attempts import Limit
from engine.postgres import Connection
from engine.settings import Settings

SETTINGS = Settings(_env_file=None, secret_key="a-secret-for-tests")  # type: ignore[call-arg, arg-type]
DOOR = Limit("test_door", burst=3, gap=60)


def test_a_few_at_once_and_then_one_by_one(conn: Connection) -> None:
    waits = [attempts.take(conn, SETTINGS, DOOR, "ann") for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert all(55 <= wait <= 60 for wait in waits[3:]), "a refused try costs nothing more"
    assert attempts.take(conn, SETTINGS, DOOR, "bob") == 0
    conn.execute("update rate_limits set next_free = next_free - interval '60 s'")
    assert attempts.take(conn, SETTINGS, DOOR, "ann") == 0
    assert attempts.take(conn, SETTINGS, DOOR, "ann") > 0


def test_names_are_the_same_however_they_are_written(conn: Connection) -> None:
    for name in ("ann", "Ann", " ANN "):
        attempts.take(conn, SETTINGS, DOOR, name)
    assert attempts.take(conn, SETTINGS, DOOR, "aNN") > 0


def test_coming_in_forgets_and_tidies_up(conn: Connection) -> None:
    attempts.take(conn, SETTINGS, DOOR, "long ago")
    conn.execute("update rate_limits set next_free = now() - interval '1 s'")
    for _ in range(4):
        attempts.take(conn, SETTINGS, DOOR, "ann")
    attempts.take(conn, SETTINGS, DOOR, "bob")
    attempts.forget(conn, SETTINGS, DOOR, "ann")
    assert attempts.take(conn, SETTINGS, DOOR, "ann") == 0
    left = conn.execute("select count(*) as n from rate_limits").fetchone()
    assert left == {"n": 2}


def test_many_at_the_same_moment_get_no_more_than_one_after_the_other(database: str) -> None:
    def one(_: int) -> int:
        with psycopg.connect(database, autocommit=True, row_factory=dict_row) as conn:
            return attempts.take(conn, SETTINGS, DOOR, "ann")

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(one, range(16)))
    assert waits.count(0) == DOOR.burst
