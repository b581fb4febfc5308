"""What the process that made a call knows of it is written down, whatever becomes of the
database just then; and what a migration has made stale is done again at once."""

from __future__ import annotations

import threading

import psycopg

from engine.tasks import Task
from tests.engine.hands import effects_of
from tests.engine.test_effects import MAIL, SEND, claimed
from tests.engine.test_new_columns import migrate
from tests.world import Company, wait_until

IMPATIENT = SEND.replace("type: api_call", "type: api_call\n  max_retries: 0\n  on_failure: fail")


def restart(office: Company) -> None:
    """As PostgreSQL does it when it restarts: every connection is ended."""
    with psycopg.connect(office.runtime.database.dsn, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        )


def sent_while(office: Company, happens: object) -> Task:
    """A mail goes out, and something happens between the call and its answer."""
    office.order("ses", "slow", seconds=1.5)
    run = claimed(office, SEND, MAIL)

    def carry() -> None:
        office.carry(run)

    thread = threading.Thread(target=carry)
    thread.start()
    wait_until(lambda: office.requests("ses"))
    happens(office)  # type: ignore[operator]
    thread.join()
    return office.see(run.task)


def test_a_mail_is_known_to_be_sent_though_postgresql_restarts_meanwhile(office: Company) -> None:
    task = sent_while(office, restart)
    assert effects_of(office, task)[0] == ("send", "done", 1)
    assert "effect_in_doubt" not in office.events(task)
    assert office.events(task).count("effect_done") >= 1
    assert len(office.outbox) == 1


def test_a_step_whose_statements_are_stale_is_done_again_and_has_not_failed(
    office: Company,
) -> None:
    """A release's migration, while a worker of the release before has claimed a task."""
    first = claimed(office, IMPATIENT, MAIL)
    office.carry(first)
    assert office.see(first.task).status == "completed"
    run = claimed(office, IMPATIENT, MAIL)
    migrate(office)
    office.carry(run)
    done = office.see(run.task)
    assert (done.status, done.error) == ("completed", None)
    assert effects_of(office, done) == [("send", "done", 1), ("notify", "done", 1)]
    assert len(office.outbox) == 2
