"""What can never be true of a task, whoever writes it: the database refuses."""

from __future__ import annotations

import psycopg
import pytest

from engine.postgres import Connection
from tests.benchmarks.procedures import ONE_STEP, load, start

UNSOUND = {
    "no such state": "status = 'resting'",
    "at work, and nobody's": "status = 'in_progress'",
    "at work without a lease": "status = 'in_progress', run_token = new_id()",
    "asking nothing": "status = 'waiting_on_human', wait_token = new_id()",
    "asking nobody": "status = 'waiting_on_human', question = '{}'",
    "ended at no time": "status = 'completed'",
    "at an end and pending": "finished_at = now()",
    "no such tier": "tier = 4",
    "too large": "context = jsonb_build_object('a', repeat('abcdefghij', 110000))",
}
SOUND = (
    "status = 'in_progress', run_token = new_id(), lease_until = now(), tier = 3",
    "status = 'waiting_on_human', wait_token = new_id(), question = '{}', run_token = null",
    "status = 'escalated', tier = 0",
    "status = 'failed', finished_at = now()",
)


@pytest.fixture
def task(conn: Connection) -> None:
    start(conn, load(conn, ONE_STEP), 1, size=1)


@pytest.mark.usefixtures("task")
@pytest.mark.parametrize("change", UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_task_is_refused(conn: Connection, change: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="a_task_is_sound"):
        conn.execute(f"update tasks set {change}".encode())


@pytest.mark.usefixtures("task")
@pytest.mark.parametrize("what", ["agents", "steps", "sops"])
def test_what_the_record_names_is_never_deleted(conn: Connection, what: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="never"):
        conn.execute(f"delete from {what}".encode())


@pytest.mark.usefixtures("task")
def test_sound_ones_are_taken(conn: Connection) -> None:
    for change in SOUND:
        assert conn.execute(f"update tasks set {change}".encode()).rowcount == 1
