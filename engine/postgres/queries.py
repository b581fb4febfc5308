"""SQL by name. Each noun's module loads its own file once and alone calls what is in it.

`sql/queries/tasks.sql` holds queries headed `-- name: claim :one` and a comment; then
`sql = queries("tasks")` makes `sql.claim(conn, task_id=...)` run one of them. The word
behind the name says what comes back: `:one` a row or None, `:many` a list of rows,
`:value` the first column of the first row or None, `:exec` how many rows were touched.
Rows are dicts. Files are read once; how a query gets to the server is in `prepared.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, cast, get_args

from psycopg import Connection

from engine.errors import EngineError
from engine.postgres.prepared import Result, Statement

FOLDER = Path(__file__).resolve().parents[2] / "sql" / "queries"
Kind = Literal["one", "many", "exec", "value"]

_HEAD = re.compile(r"-- name: (?P<name>[a-z][a-z0-9_]*) :(?P<kind>\w+)\s*$")
_PARAMETER = re.compile(r"%\((\w+)\)s")


class QueryFileInvalid(EngineError):
    """A file of queries cannot be read."""

    code = "query_file_invalid"


class Query:
    """One named query; call it with a connection and its parameters."""

    __slots__ = ("_of", "_statement", "kind", "line", "name", "parameters", "sql", "why")

    def __init__(self, name: str, kind: Kind, why: str, sql: str, line: int) -> None:
        self.name = name
        self.kind = kind
        self.why = why
        self.sql = sql
        self.line = line
        self.parameters = list(dict.fromkeys(_PARAMETER.findall(sql)))
        self._statement = Statement(self.numbered(), self.parameters)
        self._of = _OF[kind]

    def __call__(self, conn: Connection[Any], /, **parameters: object) -> Any:
        return self._of(self._statement.run(conn, parameters))

    def numbered(self) -> str:
        """The query as the server gets it: %(name)s as $1, and %% as %."""
        place = {name: f"${number}" for number, name in enumerate(self.parameters, 1)}
        return _PARAMETER.sub(lambda found: place[found[1]], self.sql).replace("%%", "%")

    def __repr__(self) -> str:
        return f"<query {self.name} :{self.kind}>"


class Queries:
    """The queries of one table, as attributes."""

    def __init__(self, table: str, found: dict[str, Query]) -> None:
        self._table = table
        self.__dict__.update(found)

    def __getattr__(self, name: str) -> Query:
        # Reached only for a name that the file does not have.
        raise AttributeError(f"sql/queries/{self._table}.sql has no query named {name}")


def queries(table: str) -> Queries:
    return Queries(table, named(table))


def named(table: str, folder: Path = FOLDER) -> dict[str, Query]:
    """Every query of a table's file by name, in the file's order."""
    path = folder / f"{table}.sql"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryFileInvalid(f"{path}: {error}") from None
    found: dict[str, Query] = {}
    for query in _parse(path, text.splitlines()):
        if query.name in found:
            first = found[query.name].line
            raise _invalid(path, query.line, f"{query.name} stands already on line {first}")
        found[query.name] = query
    return found


def _parse(path: Path, lines: list[str]) -> Iterator[Query]:
    heads = [number for number, line in enumerate(lines) if _begins(path, number, line)]
    for number in range(heads[0] if heads else len(lines)):
        if lines[number].strip() and not lines[number].startswith("--"):
            raise _invalid(path, number + 1, "SQL before the first `-- name: ... :one`")
    for head, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        yield _query(path, head, lines[head:end])


def _begins(path: Path, number: int, line: str) -> bool:
    if not line.lower().replace(" ", "").startswith("--name"):
        return False
    head = _HEAD.match(line)
    if head is None or head["kind"] not in get_args(Kind):
        raise _invalid(path, number + 1, "not `-- name: some_name :one|:many|:exec|:value`")
    return True


def _query(path: Path, head: int, lines: list[str]) -> Query:
    begin = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    sql = "\n".join(lines[begin:]).strip()
    match = cast(re.Match[str], _HEAD.match(lines[0]))
    if not sql.rstrip(";"):
        raise _invalid(path, head + 1, f"{match['name']} has no SQL")
    for number, line in enumerate(lines[begin:], head + begin + 1):
        if "%" in _PARAMETER.sub("", line).replace("%%", ""):
            raise _invalid(
                path, number, "a lone %; write %(name)s for a parameter, %% for the sign"
            )
    why = " ".join(line.removeprefix("--").strip() for line in lines[1:begin])
    return Query(match["name"], cast(Kind, match["kind"]), why, sql.removesuffix(";"), head + 1)


def _invalid(path: Path, line: int, what: str) -> QueryFileInvalid:
    return QueryFileInvalid(f"{path}:{line}: {what}")


# What each word makes of the result ---------------------------------------------


def _one(result: Result) -> dict[str, Any] | None:
    return next(iter(result.rows()), None)


def _value(result: Result) -> Any:
    return next(iter(result.rows(lambda values: values[0])), None)


_OF: dict[str, Callable[[Result], Any]] = {
    "one": _one,
    "many": Result.rows,
    "exec": lambda result: result.touched,
    "value": _value,
}
