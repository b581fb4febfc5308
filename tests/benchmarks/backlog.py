"""Backlog: what a claim and the pages cost with 100k pending tasks, a million finished ones
and ten million events in the tables. At a smaller scale the shares stay."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from pydantic import SecretStr

from engine import sign_in_links, tasks, users
from engine.postgres import Connection, Database, connect
from engine.runtime import Runtime, build_runtime
from engine.settings import Settings
from tests.benchmarks.backlog_data import AGENTS, fill
from tests.benchmarks.processes import percentiles
from web import create_app

FINISHED = 1_000_000
PENDING = 100_000
EVENTS_EACH = 10


def measure(dsn: str, *, scale: float = 1.0, times: int = 200) -> dict[str, Any]:
    finished, pending = max(100, round(FINISHED * scale)), max(100, round(PENDING * scale))
    began = time.monotonic()
    with connect(dsn) as conn:
        fill(conn, finished=finished, pending=pending, events_each=EVENTS_EACH)
        found: dict[str, Any] = {
            "finished_tasks": finished,
            "pending_tasks": pending,
            "events": finished * EVENTS_EACH,
            "agents": AGENTS,
            "filled_in_s": round(time.monotonic() - began, 1),
        }
        claims = [_timed(lambda: tasks.claim(conn, lease_seconds=3600)) for _ in range(times)]
    found |= _named("claim", claims)
    return found | _pages(dsn, times)


def _named(name: str, waits: list[float]) -> dict[str, float]:
    return {f"{name}_{share}_ms": value for share, value in percentiles(waits).items()}


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _pages(dsn: str, times: int) -> dict[str, Any]:
    """Server time of the list and of tasks' pages, from request to the last byte."""
    settings = Settings(_env_file=None, database_url=dsn,  # type: ignore[call-arg]
                        secret_key=SecretStr("for-the-benchmark-alone-0123456789"))  # fmt: skip
    database = Database(dsn, size=2, application="web")
    database.open()
    try:
        runtime = build_runtime(settings, database)
        client = create_app(runtime).test_client()
        _sign_in(client, runtime)
        lists = _list_paths()
        numbers = _some_numbers(runtime, times)
        # Once each beforehand: templates are compiled and statements planned at first use.
        for path in [*lists, f"/tasks/{numbers[0]}"]:
            assert client.get(path).status_code == 200, path
        found: dict[str, Any] = {}
        for name, path in zip(_LISTS, lists, strict=True):
            waits = [_timed(lambda p=path: client.get(p)) for _ in range(max(5, times // 5))]
            found |= {f"list_{name}_p95_ms": percentiles(waits)["p95"]}
        details = [_timed(lambda n=n: client.get(f"/tasks/{n}")) for n in numbers]
        return found | _named("detail", details)
    finally:
        database.close()


_LISTS = {
    "all": "",
    "need": "?show=need",
    "running": "?show=running",
    "failed": "?show=failed",
    "done": "?show=done",
    "procedure": "?sop=bench_7",
    "procedure_done": "?sop=bench_7&show=done",
    "customer": "?q=cust-17",
}


def _list_paths() -> list[str]:
    return [f"/tasks{query}" for query in _LISTS.values()]


def _some_numbers(runtime: Runtime, times: int) -> list[int]:
    with runtime.database.read() as conn:
        row = conn.execute("select min(number) as low, max(number) as high from tasks").fetchone()
    assert row is not None
    span = row["high"] - row["low"]
    return [row["low"] + span * n // times for n in range(times)]


def _sign_in(client: FlaskClient, runtime: Runtime) -> None:
    with runtime.database.transaction("link") as conn:
        user = users.create(conn, email="owner@example.com", name="Chris", role="admin", by="bench")
        link = _link(conn, runtime, user.id)
    path = urlsplit(link).path
    page = client.get(path).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    assert client.post(path, data={"csrf_token": token[1]}).status_code == 303


def _link(conn: Connection, runtime: Runtime, user_id: Any) -> str:
    return sign_in_links.make(conn, runtime.settings, user_id, minutes=15)
