"""A statement of ours on a connection: prepared once, then run by libpq's own calls.

`queries.py` runs every named query through here. psycopg still turns values into what the
server reads and back, and makes its errors; what is left out is its cursor, which costs as much
as everything else that this process does for a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult


class Outdated(psycopg.OperationalError):
    """A statement of this transaction is not what the server knows by its name: a migration has
    changed what it returns, or somebody has had it forgotten. Nothing of the transaction is
    kept; begun anew, it comes about."""


DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Statement:
    """SQL with parameters as $1, $2; `order` names them. Runs on any connection that is in
    autocommit, or within a transaction that was begun."""

    __slots__ = ("_formats", "order", "text")

    def __init__(self, text: str, order: list[str]) -> None:
        self.text = text.encode()
        self.order = order
        # As text: the server knows from the statement what each one is, whatever its size.
        self._formats = [PyFormat.TEXT] * len(order)

    def run(self, conn: Connection[Any], given: Mapping[str, object]) -> Result:
        with conn.lock:
            known = conn.__dict__.get("_engine_statements") or _Known(conn)
            values = known.transformer.dump_sequence([given[n] for n in self.order], self._formats)
            answer = known.run(self, values)
        return Result(known, self, answer)


class Result:
    """What came back. Read before the next statement on the connection."""

    __slots__ = ("_answer", "_known", "_statement")

    def __init__(self, known: _Known, statement: Statement, answer: PGresult) -> None:
        self._known, self._statement, self._answer = known, statement, answer

    def rows(self, make: Callable[[Any], Any] | None = None) -> list[Any]:
        """Every row, as a dict or as `make` makes it of the values."""
        answer = self._answer
        names = self._known.columns(self._statement, answer)
        self._known.transformer.set_pgresult(answer)
        whole = make or (lambda values: dict(zip(names, values, strict=True)))
        return self._known.transformer.load_rows(0, answer.ntuples, whole)

    @property
    def touched(self) -> int:
        """How many rows the statement changed or read."""
        return self._answer.command_tuples or 0


class _Known:
    """What a connection has prepared, and psycopg's conversion for it."""

    def __init__(self, conn: Connection[Any]) -> None:
        self.transformer = Transformer(conn)
        self._connection = conn.pgconn
        self._count = 0
        self._names: dict[Statement, bytes] = {}
        self._columns: dict[Statement, list[str]] = {}
        conn.__dict__["_engine_statements"] = self

    def run(self, statement: Statement, values: Sequence[Any]) -> PGresult:
        name = self._names.get(statement) or self._prepare(statement)
        answer = self._connection.exec_prepared(name, values)
        if answer.status in DONE:
            return answer
        error = self._error(answer)
        if not _is_stale(error):
            raise error
        if not self._is_idle():
            # This transaction is lost; the next one must not meet it again.
            self._names.clear()
            self._columns.clear()
            raise Outdated("the server knows a statement no more, or as another one") from error
        self._forget(statement)
        return self.run(statement, values)

    def columns(self, statement: Statement, answer: PGresult) -> list[str]:
        found = self._columns.get(statement)
        if found is None:
            names = [answer.fname(n) or b"" for n in range(answer.nfields)]
            found = self._columns[statement] = [name.decode() for name in names]
        return found

    def _prepare(self, statement: Statement) -> bytes:
        self._count += 1
        name = b"engine_%d" % self._count
        answer = self._connection.prepare(name, statement.text)
        if answer.status not in DONE:
            raise self._error(answer)
        self._names[statement] = name
        return name

    def _forget(self, statement: Statement) -> None:
        """It is prepared anew. Where the server does not know it, this is one more error there."""
        self._connection.exec_(b"deallocate " + self._names.pop(statement))
        self._columns.pop(statement, None)

    def _is_idle(self) -> bool:
        return self._connection.transaction_status == TransactionStatus.IDLE

    def _error(self, answer: PGresult) -> psycopg.Error:
        if _code(answer):
            return error_from_result(answer, encoding="utf-8")
        # Libpq's own word, and no server's. After a last warning of one that crashed it takes
        # the connection for a good one still; nobody shall be lent it again.
        self._connection.finish()
        return psycopg.OperationalError("the connection to the server was lost")


def _code(answer: PGresult) -> bytes | None:
    return answer.error_field(DiagnosticField.SQLSTATE)


def _is_stale(error: psycopg.Error) -> bool:
    if isinstance(error, psycopg.errors.FeatureNotSupported):
        return "cached plan" in str(error)
    return isinstance(error, psycopg.errors.InvalidSqlStatementName)
