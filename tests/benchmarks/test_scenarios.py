"""Every scenario runs, at a tiny scale, and says what docs/performance.md speaks of. How fast
it is, no test says: that depends on the machine, and on who else works there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.postgres import connect
from tests.benchmarks import ack, backlog, latency, sleepers, soak, workflow
from tests.benchmarks.server import NotDurable, refuse_unless_durable

WORKFLOW = {"tasks_per_s", "commit_limit_per_s", "ratio", "rss_mib", "connections"}
SLEEPERS = {"tasks", "drain_4_s", "rss_4_mib", "connections_4", "waits_s", "running_while_all_wait"}
PERCENTILES = {"p50_ms", "p95_ms", "p99_ms"}


@pytest.mark.parametrize(
    ("measure", "keys"),
    [
        pytest.param(
            lambda dsn: workflow.measure(dsn, count=40, limit_seconds=2), WORKFLOW, id="workflow"
        ),
        pytest.param(
            lambda dsn: sleepers.measure(dsn, count=8, seconds=0.2, concurrencies=(4,)),
            SLEEPERS,
            id="sleepers",
        ),
        pytest.param(
            lambda dsn: latency.measure(dsn, count=5), {"tasks"} | PERCENTILES, id="latency"
        ),
        pytest.param(
            lambda dsn: backlog.measure(dsn, scale=0.0002, times=10),
            {"claim_p95_ms", "detail_p95_ms", "list_all_p95_ms", "list_need_p95_ms"},
            id="backlog",
        ),
        pytest.param(
            lambda dsn: soak.measure(dsn, count=12, hours=3),
            {"growth_mib", "dead_rows_uncleared", "jobs_left", "completed", "answered", "erased"},
            id="soak",
        ),
    ],
)
def test_runs_and_says(
    database: str, measure: Callable[[str], dict[str, Any]], keys: set[str]
) -> None:
    found = measure(database)
    assert keys <= set(found)
    assert None not in found.values()


def test_workflow_says_these_five_and_nothing_else(database: str) -> None:
    assert set(workflow.measure(database, count=20, limit_seconds=2)) == WORKFLOW


def test_every_acknowledged_click_is_an_answer(database: str) -> None:
    found = ack.measure(database, clicks=6, backlog=50)
    assert found["found_as_answers"] == found["acknowledged"] == 6
    assert set(found) >= PERCENTILES


def test_refuses_a_database_that_may_forget(database: str) -> None:
    with connect(database) as conn:
        conn.execute("set synchronous_commit = off")
        with pytest.raises(NotDurable, match="is off; set it on"):
            refuse_unless_durable(conn)
