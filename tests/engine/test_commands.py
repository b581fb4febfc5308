"""What is typed behind /sop and /agent."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from engine import commands, people
from engine.cli import cli
from engine.errors import NotAllowed
from tests.engine.hands import OWNER, VIEWER, answer, rows
from tests.engine.test_questions import command
from tests.world import Company


def say(office: Company, text: str, **more: str) -> str:
    return commands.answer(office.runtime, text, OWNER, **more)  # type: ignore[arg-type]


def test_help_and_what_is_not_known(office: Company) -> None:
    assert "/sop run" in say(office, "")
    assert "/agent pause" in say(office, "help", command="/agent")
    assert say(office, "dance").startswith("I do not know “dance”.")


def test_list_names_the_procedures(office: Company) -> None:
    assert "`new_lead_response` New lead response · version 1" in say(office, "list")


def test_run_starts_one_task_for_one_command(office: Company) -> None:
    assert "Task 1 of Review request is started" in say(
        office, "run review_request", occasion="command:1"
    )
    assert "already" in say(office, "run review_request", occasion="command:1")
    assert "is started" in say(office, "run  review_request ", occasion="command:2")
    assert len(rows(office, "select * from tasks")) == 2


def test_run_of_what_lacks_its_customer_says_so_and_can_be_told_to_go_on(office: Company) -> None:
    said = say(office, "run quote_due")
    assert said.startswith("Quote due needs customer_id, which nobody gives it here")
    assert rows(office, "select * from tasks") == []
    assert "Task 1 of Quote due is started" in say(office, "run quote_due anyway")


def test_run_of_what_is_not_there_names_what_is(office: Company) -> None:
    assert "new_lead_response" in say(office, "run lead_respnse")
    assert "/sop list" in say(office, "run")
    assert rows(office, "select * from tasks") == []


def test_stop_holds_everything_and_resume_lets_it_go(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    assert "Stopped. Nothing goes out" in say(office, "stop the prices are wrong")
    assert "already" in say(office, "stop")
    answer(office, task, "send")
    assert office.outbox == []
    assert "1 task held so far" in say(office, "status")
    assert "Everything is stopped" in say(office, "status")
    assert say(office, "resume") == "Going on. 1 held task released."
    assert say(office, "resume") == "Nothing was stopped."
    office.settle()
    assert len(office.outbox) == 1
    logged = rows(office, "select event_type, actor, output_summary from task_events"
                          " where event_type like 'effects_%%'")  # fmt: skip
    assert [row["event_type"] for row in logged] == ["effects_halted", "effects_resumed"]
    assert {row["actor"] for row in logged} == {"web:chris"}
    assert "prices" not in str(logged), "a reason is free text"


def test_status_counts_what_is_open(office: Company) -> None:
    assert say(office, "status").splitlines()[-1] == "Nothing is open."
    assert "No worker is running" in say(office, "status")
    office.mail("lead")
    office.settle()
    said = say(office, "status")
    assert "1 task waiting for a person" in said
    assert "1 question in the inbox: " in said
    assert said.endswith("/inbox")


def test_agents_are_paused_and_resumed(office: Company) -> None:
    assert say(office, "pause lead_response", command="/agent") == "Lead response is paused."
    assert "was paused already" in say(office, "pause lead_response", command="/agent")
    assert "Not active: Lead response" in say(office, "status")
    assert say(office, "resume lead_response", command="/agent") == "Lead response goes on."
    assert "lead_response" in say(office, "pause nobody", command="/agent")


@pytest.mark.parametrize(
    ("text", "command"),
    [("stop", "/sop"), ("resume", "/sop"), ("run new_lead_response", "/sop"),
     ("pause lead_response", "/agent")],
)  # fmt: skip
def test_who_may_not_act_changes_nothing(office: Company, text: str, command: str) -> None:
    with pytest.raises(NotAllowed):
        commands.answer(office.runtime, text, VIEWER, command=command)
    assert commands.answer(office.runtime, "list", people.shell())


# -- the same from a shell ---------------------------------------------------------


def test_an_agent_that_is_none_ends_the_command_with_one(office: Company) -> None:
    run = command(office, "agent", "pause", "nobody")
    assert run.exit_code == 1
    assert "agent 'nobody' (there are: " in run.output


def test_a_shell_shows_nothing_of_slacks_marks(office: Company) -> None:
    run = command(office, "status")
    assert run.output.startswith("No worker is running: ")


def test_what_is_no_databases_address_is_said_so() -> None:
    run = CliRunner().invoke(cli, ["status"], env={"DATABASE_URL": "nonsense"})
    assert (run.exit_code, run.exception.__class__) == (1, SystemExit)
    assert run.output.startswith("The settings cannot be used: DATABASE_URL is no address")
