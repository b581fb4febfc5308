"""How many of an agent's tasks may run at once, and who says so."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from engine.cli import cli
from engine.seeding import seed
from engine.settings import PROJECT
from tests.engine.hands import expire_lease, procedure, rows
from tests.world import Company

LOOK = "- {key: look, name: Look, type: query, config: {cases: [{when: 'false', goto: next}]}}"


def command(office: Company, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setenv("DATABASE_URL", office.runtime.database.dsn)
    return CliRunner().invoke(cli, ["agent", *words])


def test_a_limit_is_set_by_a_command_and_is_an_event(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.import_sop(procedure(LOOK))
    for _ in range(3):
        office.run_sop("small")
    running = office.claim()
    assert running is not None
    told = command(office, monkeypatch, "limit", "lead_response", "2")
    assert (told.exit_code, told.output) == (0, "lead_response: 2 at once\n")
    assert office.claim() is not None
    assert office.claim() is None, "the one that ran before counts too"
    assert "2 at once" in command(office, monkeypatch, "list").output
    [event] = rows(office, "select * from task_events where event_type = 'agent_changed'")
    assert event["output_summary"] == "lead_response: 2 at once"
    assert event["actor"].startswith("cli:")
    assert "as before" in command(office, monkeypatch, "limit", "lead_response", "2").output
    command(office, monkeypatch, "limit", "lead_response", "none")
    assert office.claim() is not None


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5", "99999999"])
def test_a_limit_that_is_none_is_told(
    office: Company, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    told = command(office, monkeypatch, "limit", "--", "lead_response", number)
    assert told.exit_code == 2
    assert "a number from 1 to 10000" in told.output
    assert "bin/engine agent pause" in told.output


def test_seed_keeps_a_limit_that_was_set_and_says_so(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(office, monkeypatch, "limit", "marketing", "2")
    with office.runtime.database.transaction("seed") as conn:
        said = list(seed(conn, PROJECT / "seeds"))
    assert (
        "agent marketing: 2 at once, kept; the file says any number"
        " (bin/engine agent limit marketing none)" in said
    )
    assert "agent billing" in said
    assert "2 at once" in command(office, monkeypatch, "list").output


def test_a_dead_run_gives_its_place_back_when_it_is_rescued(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.import_sop(procedure(LOOK))
    command(office, monkeypatch, "limit", "lead_response", "1")
    for _ in range(2):
        office.run_sop("small")
    lost = office.claim()
    assert lost is not None
    assert office.claim() is None
    expire_lease(office, lost.task)
    assert office.claim() is not None
    assert office.claim() is None
