"""Real processes that are killed, frozen, told to stop, and cut off from their database:
the work goes on without anybody's help, and nothing is done twice."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from engine.postgres.embedded import EmbeddedPostgres
from engine.postgres.migrations import migrate
from tests.chaos import accounts
from tests.chaos.matrix import Theatre
from tests.chaos.nursery import Nursery
from tests.chaos.stage import Stage, furnish, stage
from tests.databases import fast_place

pytestmark = pytest.mark.slow

LOG = """
slug: log
name: Log
agent: lead_response
steps:
  - {key: log, name: Log, type: api_call, config: {service: crm, operation: log_interaction,
     customer: C-1001, kind: note, summary: Something was done.}}
  - {key: pause, name: Pause, type: wait, config: {for: 1s}}
"""
IN_A_CALL = "select count(*) >= %s from effects where state = 'intended'"
OVER = "select not exists (select from tasks where finished_at is null)"


@pytest.fixture
def place(theatre: Theatre) -> Iterator[Stage]:
    with theatre.empty_stage() as here:
        here.import_sop(LOG)
        yield here


def in_calls(place: Stage, number: int, *, seconds: float) -> None:
    """So many tasks stand in a call that takes so long."""
    place.order("crm", "slow", path="/interactions", seconds=seconds, times=number)
    for _ in range(number):
        place.run_sop("log")


def all_done_once(place: Stage, number: int) -> None:
    place.until(lambda: place.value(OVER), seconds=120, what="the end of every task")
    assert place.value("select count(*) from tasks where status = 'completed'") == number
    written = [r for r in accounts.requests(place.local) if r.vendor == "crm"]
    assert len({r.key for r in written}) == len(written) == number
    assert not list(accounts.books(place))


def test_the_tasks_of_a_killed_worker_run_again_within_45_seconds(place: Stage) -> None:
    """With the leases as they are by default."""
    default = {"LEASE_SECONDS": "30", "LEASE_RENEWAL_SECONDS": "10"}
    in_calls(place, 1, seconds=2)
    first = place.worker(**default)
    place.until(lambda: place.value(IN_A_CALL, 1), seconds=30, what="the call")
    place.worker(**default)
    killed_at = place.value("select clock_timestamp()")
    first.kill()
    rescued = "select max(created_at) from task_events where event_type = 'task_rescued'"
    again = place.until(lambda: place.value(rescued), seconds=60, what="the rescue")
    assert (again - killed_at).total_seconds() < 45
    all_done_once(place, 1)


def test_a_worker_that_froze_and_woke_up_changes_nothing(place: Stage) -> None:
    in_calls(place, 2, seconds=1)
    frozen = place.worker()
    place.until(lambda: place.value(IN_A_CALL, 2), seconds=30, what="the calls")
    frozen.signal(signal.SIGSTOP)
    place.worker()
    all_done_once(place, 2)
    numbers = "select task_id, count(*) from task_events group by 1"
    before = place.rows(numbers)
    frozen.signal(signal.SIGCONT)
    # It works again: a third task is carried by it alone.
    place.children[-1].kill()
    place.run_sop("log")
    all_done_once(place, 3)
    assert all(row in place.rows(numbers) for row in before), "nothing was added to the others"


def test_a_worker_with_a_hundred_tasks_in_flight_stops_cleanly(place: Stage) -> None:
    in_calls(place, 100, seconds=3)
    worker = place.worker(WORKER_CONCURRENCY="100", LEASE_SECONDS="30", CRM_TIMEOUT_SECONDS="15")
    place.until(lambda: place.value(IN_A_CALL, 40), seconds=60, what="the calls")
    told_at = time.time()
    worker.signal(signal.SIGTERM)
    assert worker.wait(25) == 0, "it must be gone within 25 s"
    late = [r for r in place.local.requests("crm") if r["at"] > told_at + 15]
    assert not late, "no effect may be started in the last quarter of its time"
    place.worker(WORKER_CONCURRENCY="20", CRM_TIMEOUT_SECONDS="15")
    all_done_once(place, 100)


# -- the database goes -----------------------------------------------------------------------


@contextmanager
def own_database(nursery: Nursery, folder: Path) -> Iterator[tuple[Stage, EmbeddedPostgres]]:
    """A stage with a server that nobody else works on."""
    # Not pytest's own folder: as root, the server's account could not enter it.
    where = Path(tempfile.mkdtemp(prefix="engine-outage-", dir=fast_place()))
    where.chmod(0o755)
    server = EmbeddedPostgres(where, durable=False)
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            migrate(conn)
        with stage(server.dsn(), folder, nursery) as here:
            furnish(here.runtime.database)
            here.import_sop(LOG)
            yield here, server
    finally:
        if server.release():
            shutil.rmtree(where, ignore_errors=True)


def restarted(server: EmbeddedPostgres) -> None:
    server.restart("immediate")


def gone_for(seconds: float) -> Callable[[EmbeddedPostgres], None]:
    def outage(server: EmbeddedPostgres) -> None:
        server.stop()
        time.sleep(seconds)
        server.start()

    return outage


@pytest.mark.parametrize(
    "strike",
    [
        pytest.param(restarted, id="restarted with -m immediate"),
        pytest.param(gone_for(8), id="gone for 8 s"),
        pytest.param(gone_for(60), id="gone for 60 s", marks=pytest.mark.long),
    ],
)
def test_web_and_worker_survive_the_database(nursery: Nursery, tmp_path: Path, strike: Any) -> None:
    with own_database(nursery, tmp_path) as (place, server):
        worker, web = place.worker(), place.web()
        in_calls(place, 2, seconds=1)
        place.until(lambda: place.value(IN_A_CALL, 1), seconds=30, what="the calls")
        strike(server)
        place.until(lambda: _healthy(place), seconds=60, what="the web process")
        place.until(lambda: _answers(place), seconds=60, what="the database")
        all_done_once(place, 2)
        place.run_sop("log")
        all_done_once(place, 3)
        assert not worker.ended.is_set()
        assert not web.ended.is_set()


def test_a_worker_stops_in_time_while_the_database_is_away(
    nursery: Nursery, tmp_path: Path
) -> None:
    """It cannot hand over what it has in flight, and does not wait for whom to hand it to."""
    with own_database(nursery, tmp_path) as (place, server):
        in_calls(place, 2, seconds=2)
        worker = place.worker(SHUTDOWN_SECONDS="4")
        place.until(lambda: place.value(IN_A_CALL, 2), seconds=30, what="the calls")
        server.stop()
        worker.signal(signal.SIGTERM)
        assert worker.wait(4 + 5) == 0, "a platform kills what takes much longer"
        server.start()
        place.worker()
        place.until(lambda: _answers(place), seconds=60, what="the database")
        all_done_once(place, 2)


def test_the_web_says_when_no_worker_is_there(place: Stage) -> None:
    place.web()
    place.until(lambda: _healthy(place), seconds=60, what="the web process")
    assert not _healthy(place, "/healthz/worker")
    worker = place.worker()
    place.until(lambda: _healthy(place, "/healthz/worker"), seconds=60, what="the worker")
    worker.signal(signal.SIGTERM)
    place.until(worker.ended.is_set, seconds=30, what="its end")
    assert not _healthy(place, "/healthz/worker")
    assert _healthy(place), "which is no reason to restart the web"
    worker = place.worker()
    place.until(lambda: _healthy(place, "/healthz/worker"), seconds=60, what="the next one")
    worker.kill()
    # Whether it is dead or frozen nobody can tell; a minute is long for either.
    place.until(lambda: not _healthy(place, "/healthz/worker"), seconds=80, what="the alarm")


def _healthy(place: Stage, path: str = "/healthz") -> bool:
    try:
        return httpx.get(place.environment["WEB_BASE_URL"] + path, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _answers(place: Stage) -> bool:
    try:
        return place.value("select true")
    except psycopg.OperationalError:
        return False
