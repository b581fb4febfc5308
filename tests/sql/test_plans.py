"""What is asked again and again must not walk through everything there ever was: every query
on a table that grows for ever finds an index it can use. A partial index is not used where
the query does not say its condition, which no test with ten rows would notice."""

from __future__ import annotations

import re

import psycopg
import pytest

from engine.postgres.queries import Query
from tests.sql.test_queries import EVERY, migrated

__all__ = ["migrated"]

GROWING = "tasks|task_events|effects|mails|deliveries|cards|verdicts|mail_threads"
# Whole tables are read here, and why that is no harm.
WHOLE = {
    "deliveries.prune": "once a night",
    "tallies.of_children": "once for each campaign; the planner may hash what it looks up",
}


@pytest.mark.parametrize("query", EVERY)
def test_finds_an_index(
    migrated: psycopg.Connection, query: Query, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    plan = _plan(migrated, query)
    walked = re.findall(rf"Seq Scan on ({GROWING})\b", plan)
    assert bool(walked) == (name in WHOLE), plan


def _plan(conn: psycopg.Connection, query: Query) -> str:
    """How the query is carried out where reading a whole table is the last resort."""
    nulls = ", ".join("null" for _ in query.parameters)
    conn.execute("set enable_seqscan = off")
    conn.execute("set plan_cache_mode = force_generic_plan")
    try:
        conn.execute(f"prepare planned as {query.numbered()}".encode())
        rows = conn.execute(f"explain execute planned{f'({nulls})' if nulls else ''}".encode())
        return "\n".join(row[0] for row in rows)
    finally:
        conn.execute("deallocate all")
