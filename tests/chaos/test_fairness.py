"""Several worker processes share the work out fairly: the urgent first, no more at once than
an agent may, no faster than a vendor allows, and no procedure takes every thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response

from engine import sops, tasks
from engine.postgres import connect
from engine.seeding import seed
from engine.settings import PROJECT
from tests.chaos.nursery import Nursery
from tests.chaos.stage import Stage, stage
from tests.engine.hands import procedure
from tests.serving import serve

PATIENCE_SECONDS = 90.0
QUICK = "- {key: look, name: Look, type: query, config: {cases: [{when: 'false', goto: next}]}}"
READ = """
- {key: read, name: Read, type: query, timeout_seconds: 60,
   config: {operation: find_customer, email: 'anna@example.com'}}
"""
LOOP = """
- {key: one, name: One, type: query, config: {cases: [{when: 'true', goto: two}]}}
- {key: two, name: Two, type: query, config: {cases: [{when: 'true', goto: one}]}}
"""
CALL = """
- {key: call, name: Call, type: api_call, max_retries: 1, timeout_seconds: %(timeout)s,
   config: {service: http, operation: request, url: '%(url)s', body: {}}}
"""
SEND = "- {key: send, name: Send, type: api_call, config: {service: email, operation: send}}"
MAIL = {"to": "anna@example.com", "to_name": "Anna", "subject": "Hello", "text": "Hi Anna"}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as here:
        yield here


@contextmanager
def office(database: str, folder: Path, nursery: Nursery, **settings: str) -> Iterator[Stage]:
    with connect(database) as conn:
        for _ in seed(conn, PROJECT / "seeds"):
            pass
        conn.execute(
            "update agents set capabilities = jsonb_set(capabilities, '{services}',"
            " capabilities -> 'services' || '[\"http:call\"]')"
        )
    with stage(database, folder, nursery, **settings) as here:
        yield here


@pytest.fixture
def small(database: str, tmp_path: Path, nursery: Nursery) -> Iterator[Stage]:
    """Workers of two threads."""
    with office(database, tmp_path, nursery, WORKER_CONCURRENCY="2") as here:
        yield here


def bring(here: Stage, steps: str, slug: str, agent: str) -> None:
    here.import_sop(procedure(steps, slug=slug, agent=agent))


def start(here: Stage, slug: str, times: int = 1, priority: int = 0, **context: Any) -> None:
    with here.runtime.database.transaction("start") as conn:
        sop = sops.active(conn, slug)
        for _ in range(times):
            tasks.start(conn, sop.id, context=context, actor="test", priority=priority)


def ended(here: Stage, slug: str) -> int:
    return here.value(
        "select count(*)::int from tasks t join sops s on s.id = t.sop_id"
        " where s.slug = %s and t.finished_at is not null",
        slug,
    )


def wait_for(here: Stage, slug: str, times: int) -> None:
    here.until(
        lambda: ended(here, slug) >= times, seconds=PATIENCE_SECONDS, what=f"{times} of {slug}"
    )


def most_at_once(here: Stage, vendor: str, seconds: float) -> int:
    """How many requests the vendor had in hand at once, each of which took so long."""
    came = [row["at"] for row in here.local.requests(vendor)]
    return max(sum(at <= other < at + seconds for other in came) for at in came)


# -- priority and limits ---------------------------------------------------------------


def test_the_urgent_come_first_whatever_waits(small: Stage) -> None:
    bring(small, QUICK, "usual", "marketing")
    bring(small, QUICK, "urgent", "lead_response")
    start(small, "usual", 1500)
    for _ in range(3):
        small.worker()
    wait_for(small, "usual", 100)
    start(small, "urgent", priority=5)
    committed = small.value("select engine_now()")
    wait_for(small, "urgent", 1)
    [row] = small.rows(
        "select count(*) filter (where t.started_at > %s and t.started_at < u.started_at)::int"
        "   as overtook, count(*) filter (where t.started_at > u.started_at"
        "   or t.started_at is null)::int as behind"
        " from tasks t, (select t.* from tasks t join sops s on s.id = t.sop_id"
        "   where s.slug = 'urgent') u where t.id <> u.id",
        committed,
    )
    # Whoever begins to claim after it was committed takes it, or finds that another thread is
    # taking it at that very moment: once each, however slow the machine is.
    assert row["overtook"] <= 3 * 2, row
    assert row["behind"] > 100, "the backlog was gone too early to show anything"


def test_an_agents_limit_holds_across_workers(small: Stage) -> None:
    bring(small, READ, "reading", "billing")
    small.change("update agents set max_concurrent_tasks = 3 where slug = 'billing'")
    small.order("crm", "slow", seconds=0.3, times=1000)
    for _ in range(3):
        small.worker()
    start(small, "reading", 24)
    wait_for(small, "reading", 24)
    assert most_at_once(small, "crm", 0.3) in (2, 3)
    small.until(
        lambda: small.value("select running_tasks = 0 from agents where slug = 'billing'"),
        seconds=10, what="the count of nobody",
    )  # fmt: skip


def test_a_vendors_rate_holds_across_workers(
    database: str, tmp_path: Path, nursery: Nursery
) -> None:
    with office(database, tmp_path, nursery, SES_SENDS_PER_SECOND="5") as here:
        bring(here, SEND, "sending", "billing")
        for _ in range(3):
            here.worker()
        start(here, "sending", 31, draft_mail=MAIL)
        wait_for(here, "sending", 31)
        came = [row["at"] for row in here.local.requests("ses")]
        assert len(came) == 31
        # Six seconds by the rate; two, if each worker kept to it for itself.
        assert came[-1] - came[0] > 4, came


def test_one_workers_429_holds_all_of_them_back(
    database: str, tmp_path: Path, nursery: Nursery
) -> None:
    with office(database, tmp_path, nursery, SES_SENDS_PER_SECOND="10") as here:
        bring(here, SEND, "sending", "billing")
        for _ in range(3):
            here.worker()
        start(here, "sending", 5, draft_mail=MAIL)
        wait_for(here, "sending", 5)
        here.order("ses", "answer", status=429, headers={"Retry-After": "6"})
        start(here, "sending", 30, draft_mail=MAIL)
        wait_for(here, "sending", 35)
        log = here.local.requests("ses")
        [refused] = [row["at"] for row in log if row["status"] == 429]
        between = [row["at"] - refused for row in log if 2 < row["at"] - refused < 5.5]
        assert between == [], "those who had passed the gate were under way, and nobody else"
        assert len(here.local.all("outbox")) == 35


# -- one bad procedure -----------------------------------------------------------------


@pytest.mark.parametrize("agent", ["lead_response", "marketing"], ids=["another", "the same"])
def test_a_slow_procedure_leaves_threads_to_the_others(small: Stage, agent: str) -> None:
    bring(small, READ, "slow", "marketing")
    bring(small, QUICK, "quick", agent)
    small.order("crm", "slow", seconds=2, times=1000)
    small.worker()
    small.worker()
    start(small, "slow", 24)
    wait_for(small, "slow", 1)
    start(small, "quick", 20)
    wait_for(small, "quick", 20)
    assert ended(small, "slow") < 16, "the quick ones waited for the slow ones"


def test_a_failing_procedure_leaves_threads_to_the_others(small: Stage) -> None:
    nobody = {"url": "http://127.0.0.1:9/nobody", "timeout": 20}
    bring(small, CALL % nobody, "failing", "marketing")
    bring(small, QUICK, "quick", "marketing")
    small.worker()
    start(small, "failing", 60)
    start(small, "quick", 60)
    wait_for(small, "quick", 60)
    small.until(
        lambda: small.value("select count(*)::int from tasks where status = 'escalated'") == 60,
        seconds=PATIENCE_SECONDS, what="sixty questions about failures",
    )  # fmt: skip


def test_an_endless_procedure_gives_up_its_turn(small: Stage) -> None:
    bring(small, LOOP, "endless", "marketing")
    bring(small, QUICK, "quick", "marketing")
    small.worker()
    start(small, "endless", 4)
    small.until(
        lambda: small.value("select min(visit) > 20 from tasks"),
        seconds=PATIENCE_SECONDS, what="a few turns of each of the endless",
    )  # fmt: skip
    start(small, "quick", 40)
    wait_for(small, "quick", 40)


def test_a_hanging_procedure_loses_its_threads_and_nothing_else(
    database: str, tmp_path: Path, nursery: Nursery
) -> None:
    """A server that sends a byte now and then keeps every timeout of a read from striking."""
    with serve(_dripping()) as url, office(
        database, tmp_path, nursery, WORKER_CONCURRENCY="1", ABANDONED_THREADS_LIMIT="2"
    ) as here:  # fmt: skip
        bring(here, CALL % {"url": f"{url}/drip", "timeout": 1}, "hanging", "marketing")
        bring(here, QUICK, "quick", "marketing")
        first = here.worker()
        start(here, "hanging", 3)
        start(here, "quick", 5)
        here.until(first.ended.is_set, seconds=PATIENCE_SECONDS, what="the worker's own end")
        assert first.code == 1, "its supervisor starts it anew"
        here.worker()
        wait_for(here, "quick", 5)
        here.until(
            lambda: here.value("select count(*)::int from effects where state = 'in_doubt'") == 3,
            seconds=PATIENCE_SECONDS, what="three doubts",
        )  # fmt: skip


def _dripping() -> Flask:
    app = Flask(__name__)

    @app.post("/drip")
    def drip() -> Response:
        def bytes_() -> Iterator[bytes]:
            for _ in range(300):
                yield b"."
                time.sleep(0.2)

        return Response(bytes_())

    return app
