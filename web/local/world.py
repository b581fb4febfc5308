"""What the stand-ins remember: one SQLite file, so that it survives every kill.

Three things stand in it: the raw log of every request that a vendor received, the
faults that were ordered, and the documents a vendor keeps (messages, mails,
customers). Nothing is ever deduplicated: what arrived twice is there twice.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FaultKind = Literal["slow", "drop_before", "drop_after", "truncate", "answer", "answer_after"]

TABLES = """
create table if not exists requests (
    id integer primary key, vendor text not null, method text not null, path text not null,
    headers text not null, body blob not null, at real not null, status integer);
create table if not exists faults (
    id integer primary key, vendor text not null, path text not null, kind text not null,
    seconds real not null, status integer not null, headers text not null, body text not null,
    times integer not null);
create table if not exists documents (
    id integer primary key, kind text not null, key text not null, doc text not null,
    unique (kind, key));
create index if not exists documents_kind on documents (kind, id);
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault on order: the next `times` requests to `vendor` whose path contains `path`.

    slow: answer `seconds` late. drop_before: close the connection, nothing done.
    drop_after: carry it out, then close the connection. truncate: carry it out, then send
    half of the reply. answer: `status`, `headers` and `body` instead of carrying it out
    (429, 529, `ok:false`). answer_after: carry it out, then answer so all the same, as a
    gateway does that has lost its patience.
    """

    vendor: str
    kind: FaultKind
    path: str = ""
    seconds: float = 0.0
    status: int = 500
    headers: dict[str, str] | None = None
    body: str = ""
    times: int = 1


class World:
    """Thread-safe; several processes may open the same file."""

    def __init__(self, file: Path | str) -> None:
        self.file = str(file)
        self._local = threading.local()
        if self.file != ":memory:":
            Path(self.file).parent.mkdir(parents=True, exist_ok=True)
        with self._db as db:
            db.executescript(TABLES)

    @property
    def _db(self) -> sqlite3.Connection:
        db = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self.file, timeout=30)
            db.row_factory = sqlite3.Row
            db.execute("pragma journal_mode=wal")
            db.execute("pragma synchronous=off")
            self._local.db = db
        return db

    # -- requests ---------------------------------------------------------------

    def log(self, vendor: str, method: str, path: str, headers: dict[str, str], body: bytes) -> int:
        with self._db as db:
            row = db.execute(
                "insert into requests (vendor, method, path, headers, body, at)"
                " values (?, ?, ?, ?, ?, ?)",
                (vendor, method, path, json.dumps(headers), body, time.time()),
            )
            return int(row.lastrowid or 0)

    def answered(self, request_id: int, status: int) -> None:
        with self._db as db:
            db.execute("update requests set status = ? where id = ?", (status, request_id))

    def requests(self, vendor: str = "", path: str = "") -> list[dict[str, Any]]:
        """Every request received, oldest first; `path` is a part of the path."""
        rows = self._db.execute(
            "select * from requests where (? = '' or vendor = ?) and instr(path, ?) > 0"
            " order by id",
            (vendor, vendor, path),
        )
        return [dict(row) | {"headers": json.loads(row["headers"])} for row in rows]

    # -- faults -----------------------------------------------------------------

    def order(self, fault: Fault) -> None:
        with self._db as db:
            db.execute(
                "insert into faults (vendor, path, kind, seconds, status, headers, body, times)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    fault.vendor,
                    fault.path,
                    fault.kind,
                    fault.seconds,
                    fault.status,
                    json.dumps(fault.headers or {}),
                    fault.body,
                    fault.times,
                ),
            )

    def next_fault(self, vendor: str, path: str) -> Fault | None:
        """Take the oldest fault that fits this request, once."""
        with self._db as db:
            row = db.execute(
                "update faults set times = times - 1 where id = (select id from faults"
                " where vendor = ? and instr(?, path) > 0 and times > 0 order by id limit 1)"
                " returning *",
                (vendor, path),
            ).fetchone()
        return None if row is None else _fault(row)

    def faults(self) -> list[Fault]:
        """Those that were ordered and have not struck yet."""
        rows = self._db.execute("select * from faults where times > 0 order by id")
        return [_fault(row) for row in rows]

    def clear_faults(self) -> None:
        with self._db as db:
            db.execute("delete from faults")

    # -- documents --------------------------------------------------------------

    def put(self, kind: str, key: str, doc: dict[str, Any]) -> None:
        """Write a document; one of the same kind and key is replaced, keeping its place."""
        with self._db as db:
            db.execute(
                "insert into documents (kind, key, doc) values (?, ?, ?)"
                " on conflict (kind, key) do update set doc = excluded.doc",
                (kind, key, json.dumps(doc)),
            )

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        row = self._db.execute(
            "select doc from documents where kind = ? and key = ?", (kind, key)
        ).fetchone()
        return None if row is None else json.loads(row["doc"])

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """A document, which is gone from then on: of two who take it, one gets it."""
        with self._db as db:
            row = db.execute(
                "delete from documents where kind = ? and key = ? returning doc", (kind, key)
            ).fetchone()
        return None if row is None else json.loads(row["doc"])

    def all(self, kind: str) -> list[dict[str, Any]]:
        """All documents of a kind, in the order in which they were first written."""
        rows = self._db.execute("select doc from documents where kind = ? order by id", (kind,))
        return [json.loads(row["doc"]) for row in rows]

    def count(self, kind: str) -> int:
        return int(
            self._db.execute("select count(*) from documents where kind = ?", (kind,)).fetchone()[0]
        )

    def next_number(self, kind: str) -> int:
        """1, 2, 3, … for each kind."""
        with self._db as db:
            row = db.execute(
                "insert into documents (kind, key, doc) values ('_counter', ?, '1')"
                " on conflict (kind, key) do update set doc = cast(doc as integer) + 1"
                " returning doc",
                (kind,),
            ).fetchone()
        return int(row["doc"])


def _fault(row: sqlite3.Row) -> Fault:
    return Fault(
        vendor=row["vendor"],
        kind=row["kind"],
        path=row["path"],
        seconds=row["seconds"],
        status=row["status"],
        headers=json.loads(row["headers"]),
        body=row["body"],
        times=row["times"],
    )
