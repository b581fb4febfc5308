"""Queries by name: what comes back for each word, and what a bad file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.postgres import Connection
from engine.postgres.queries import Queries, QueryFileInvalid, named

FILE = """\
-- About these queries.

-- name: one_number :one
-- The number itself,
-- and nothing else.
select %(number)s::int as number, '100%%' as sure where %(number)s::int > 0;

-- name: many_numbers :many
select n from generate_series(1, %(up_to)s::int) n;

-- name: a_value :value
select %(conn)s::text || %(self)s::text where %(self)s::text <> '';

-- name: made :exec
create temporary table made as select generate_series(1, 3);
"""


@pytest.fixture
def sql(tmp_path: Path) -> Queries:
    (tmp_path / "made_up.sql").write_text(FILE)
    return Queries("made_up", named("made_up", tmp_path))


def test_each_word_gives_what_it_says(conn: Connection, sql: Queries) -> None:
    assert sql.one_number(conn, number=7) == {"number": 7, "sure": "100%"}
    assert sql.one_number(conn, number=0) is None
    assert sql.many_numbers(conn, up_to=2) == [{"n": 1}, {"n": 2}]
    assert sql.many_numbers(conn, up_to=0) == []
    assert sql.a_value(conn, conn="a", self="b") == "ab"
    assert sql.a_value(conn, conn="a", self="") is None
    assert sql.made(conn) == 3


def test_a_query_knows_its_place_and_purpose(sql: Queries) -> None:
    query = sql.one_number
    assert (query.line, query.kind, query.parameters) == (3, "one", ["number"])
    assert query.why == "The number itself, and nothing else."


def test_an_unknown_name_says_which_file_lacks_it(sql: Queries) -> None:
    with pytest.raises(AttributeError, match=r"sql/queries/made_up\.sql has no query named nope"):
        sql.nope  # noqa: B018


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("select 1;\n-- name: a :one\nselect 1", 1, "SQL before the first"),
        ("-- name: a :all\nselect 1", 1, "not `-- name"),
        ("-- name a :one\nselect 1", 1, "not `-- name"),
        ("--name: A :one\nselect 1", 1, "not `-- name"),
        ("\n-- name: a :one\n-- why\n\n-- name: b :one\nselect 1", 2, "a has no SQL"),
        ("-- name: a :one\nselect 1;\n-- name: a :one\nselect 2;", 3, "a stands already on line 1"),
        ("-- name: a :one\nselect 1\n where x like 'y%'", 3, "a lone %"),
        ("-- name: a :one\nselect %s", 2, "a lone %"),
    ],
)
def test_a_bad_file_names_its_line(tmp_path: Path, text: str, line: int, complaint: str) -> None:
    (tmp_path / "bad.sql").write_text(text)
    with pytest.raises(QueryFileInvalid, match=rf"bad\.sql:{line}: {complaint}"):
        named("bad", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryFileInvalid, match=r"none\.sql: .*No such file"):
        named("none", tmp_path)
