"""Whether the process can work, and what people see when it cannot."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from flask import Flask

from engine.postgres import Database
from engine.settings import Settings
from tests.web.browsing import Browser
from tests.world import Company
from web import create_app
from web.server import PATIENCE_SECONDS, WebDatabase

# Slack waits three seconds; what cannot be stored must be refused before.
SLACK_SECONDS = 3.0


@pytest.fixture
def stranded(office: Company) -> Flask:
    """The same company, whose web process has lost its database."""
    nowhere: Settings = office.runtime.settings.model_copy(
        update={"database_url": "host=127.0.0.1 port=9 dbname=gone connect_timeout=1"}
    )
    database: Database = WebDatabase(nowhere)
    database.open()
    return create_app(replace(office.runtime, database=database))


def test_health(app: Flask) -> None:
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_every_page_says_that_no_worker_is_there(owner: Browser, app: Flask) -> None:
    answer = app.test_client().get("/healthz/worker")
    assert (answer.status_code, answer.json) == (503, {"status": "no_worker"})
    owner.get("/tasks")
    assert "No worker is running" in owner.reads()


def test_an_older_schema_is_no_health(app: Flask, office: Company) -> None:
    with office.runtime.database.statement("undo") as conn:
        conn.execute("delete from schema_migrations where line = 'engine'")
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "schema_mismatch"})


def test_without_a_database_everyone_is_told_in_time(stranded: Flask, office: Company) -> None:
    assert PATIENCE_SECONDS < SLACK_SECONDS
    here = Browser(stranded, office)
    began = time.monotonic()
    assert here.get("/healthz").status_code == 503
    # Not the half minute for which other processes wait; exact figures are a loaded machine's.
    assert time.monotonic() - began < 20
    here.client.set_cookie("signed-in", "anything")
    answer = here.get("/inbox")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "The database cannot be reached" in here.reads()
    assert "Nothing is lost" in here.reads()


def test_what_breaks_is_logged_without_its_words(
    app: Flask, office: Company, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the customer's words")

    here = Browser(app, office).sign_in()
    monkeypatch.setattr("engine.inbox.waiting", broken)
    assert here.get("/inbox").status_code == 500
    assert "the customer" not in here.page
    said = capfd.readouterr()
    assert "web_crashed" in said.out + said.err
    assert "customer's words" not in said.out + said.err
