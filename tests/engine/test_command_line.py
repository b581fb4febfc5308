"""`bin/engine` as somebody types it who is new to it: a line with the cure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.settings import PROJECT
from tests.engine.hands import begin, procedure, rows
from tests.engine.test_outlooks import LATER
from tests.engine.test_questions import command
from tests.world import Company, wait_until


def typed(*words: str, **settings: str):
    return CliRunner().invoke(cli, list(words), env=settings)


@pytest.mark.parametrize("words", [(), ("sop",), ("watcher",), ("slack",), ("agent",)])
def test_no_summary_of_a_command_is_cut(words: tuple[str, ...]) -> None:
    _, found, listed = typed(*words, "--help").output.partition("\nCommands:\n")
    assert found
    assert "..." not in listed


def test_a_task_that_is_not_there_is_told_with_the_cure(office: Company) -> None:
    for words in (["show"], ["cancel"], ["rerun"], ["card"], ["not-spam"]):
        done = command(office, "task", *words, "999")
        assert done.exit_code == 1
        assert done.output == (
            "There is no such thing: task 999; `bin/engine task list` shows the newest\n"
        )


def test_tasks_of_a_procedure_that_is_not_there(office: Company) -> None:
    done = command(office, "task", "list", "--sop", "new_lead_respnse")
    assert done.exit_code == 1
    assert "new_lead_response" in done.output


def test_the_version_is_that_of_the_project() -> None:
    told = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    done = typed("--version")
    assert (done.exit_code, done.output) == (0, f"bin/engine {told}\n")


def test_one_of_a_thing_is_not_told_as_several(office: Company, tmp_path: Path) -> None:
    mails = PROJECT / "seeds" / "local" / "mails"
    one = command(office, "intake", "mail", str(mails / "lead.eml")).output
    assert one.splitlines()[-1].startswith("1 message: 1 task, 0 reply")
    assert one.endswith("; 1 task started\n")
    two = command(office, "intake", "mail", str(mails / "spam.eml"), str(mails / "lead.eml")).output
    assert two.splitlines()[-1].startswith("2 messages: 1 task, 0 reply")
    file = tmp_path / "one.yaml"
    step = "- {key: tell, name: Tell, type: slack_notify, config: {text: Hello}}"
    file.write_text(procedure(step, slug="one"), "utf-8")
    assert ": one, 1 step, usable" in command(office, "sop", "validate", str(file)).output


def test_times_are_told_by_the_companys_clock(office: Company, monkeypatch) -> None:
    """Whatever the clock of the machine or of the database's session says."""
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    task = office.mail("spam")
    office.settle()
    zone = office.runtime.business.zone
    began = f"{task.created_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    assert began[-3:] in ("CST", "CDT")
    assert command(office, "task", "list").output.rstrip().endswith(f" {began}")
    shown = command(office, "task", "show", str(task.number)).output.splitlines()
    ended = f"{office.see(task).finished_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    assert shown[1] == f"  began {began}, ended {ended}"
    waits = begin(office, LATER)
    wakes = f"{office.see(waits).wake_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    shown = command(office, "task", "show", str(waits.number)).output.splitlines()
    assert shown[1].endswith(f", goes on {wakes}")


# -- a task started by hand -----------------------------------------------------------


def test_a_task_that_would_lack_what_its_steps_read_is_not_started(office: Company) -> None:
    done = command(office, "sop", "run", "quote_due")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "The task would lack what its procedure reads: quote_due: nothing gives customer_id;"
        " give --set customer_id=…, or --anyway\n"
    )
    assert rows(office, "select * from tasks") == []
    assert command(office, "sop", "run", "quote_due", "--set", "customer_id=c-1").exit_code == 0
    assert command(office, "sop", "run", "quote_due", "--anyway").exit_code == 0
    assert len(rows(office, "select * from tasks")) == 2


def test_a_key_with_a_slip_in_it_is_told_too(office: Company) -> None:
    done = command(office, "sop", "run", "quote_due", "--set", "custmer_id=c-1")
    assert done.exit_code == 1
    assert "nothing reads custmer_id; did you mean customer_id?" in done.output
    more = ("--set", "customer_id=c-1", "--set", "gate_code=17")
    done = command(office, "sop", "run", "quote_due", *more)
    assert (done.exit_code, done.stderr) == (0, "nothing in quote_due reads gate_code\n")
    assert command(office, "sop", "run", "quote_due", "--set", "=17").exit_code == 2


def test_what_starts_by_a_mail_says_so(office: Company) -> None:
    done = command(office, "sop", "run", "new_lead_response")
    assert done.exit_code == 1
    assert "or a mail: bin/engine intake mail FILE, or --anyway" in done.output


@pytest.mark.parametrize(
    "slug", ["past_customer_reactivation", "quote_follow_up", "review_request", "invoice_follow_up"]
)
def test_what_finds_its_customers_itself_needs_nothing(office: Company, slug: str) -> None:
    assert command(office, "sop", "run", slug).exit_code == 0


def test_numbers_out_of_range_are_refused(office: Company) -> None:
    for words in (
        ("task", "list", "--limit", "-3"),
        ("task", "list", "--limit", "0"),
        ("user", "link", "owner@example.com", "--minutes", "-5"),
    ):
        done = command(office, *words)
        assert done.exit_code == 2, done.output
        assert "range" in done.output


def test_an_export_to_a_place_that_is_not_there(office: Company, tmp_path: Path) -> None:
    to = tmp_path / "nowhere" / "x.yaml"
    done = command(office, "sop", "export", "new_lead_response", "--to", str(to))
    assert done.exit_code == 1
    assert "No such file or directory" in done.output
    assert str(to) in done.output


def test_only_what_is_on_the_outlook_can_be_struck_out(office: Company) -> None:
    asked = office.mail("lead")
    office.settle()
    done = command(office, "outlook", "--strike", str(asked.number))
    assert done.exit_code == 1
    assert f"bin/engine task cancel {asked.number}" in done.output
    assert office.see(asked).status == "waiting_on_human"
    due = begin(office, LATER.replace("26h", "2h"), {"customer_name": "Anna Berg"})
    assert command(office, "outlook", "--strike", str(due.number)).exit_code == 0
    assert office.see(due).status == "cancelled"


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (("slack", "manifest"), {"WEB_BASE_URL": "http://x.example"}, "WEB_BASE_URL is http://"),
        (("slack", "setup"), {"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is empty"),
        (("status",), {"ENGINE_MODE": "live", "DATABASE_URL": ""}, "set DATABASE_URL"),
        (("demo",), {"ENGINE_MODE": "live"}, "ENGINE_MODE is live"),
    ],
)
def test_a_setting_is_not_called_a_person(
    words: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    done = typed(*words, SECRET_KEY="x" * 40, **settings)
    assert done.exit_code == 1
    assert done.output.startswith("The settings cannot be used: ")
    assert said in done.output


def test_a_taken_port_is_one_line(office: Company, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "DATABASE_URL": office.runtime.database.dsn,
            "SECRET_KEY": office.runtime.settings.secret_key.get_secret_value(),
        }
        done = subprocess.run(
            [sys.executable, "-m", "engine", "web", "--port", str(port)],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1:] == [
        f"The settings cannot be used: port {port} of 127.0.0.1 is taken; give another one by"
        " --port or PORT"
    ]
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_the_modules_load_shows_no_traceback(tmp_path: Path) -> None:
    slow = "import pathlib, time\npathlib.Path('loading').touch()\ntime.sleep(60)\n"
    (tmp_path / "click.py").write_text(slow)
    begun = subprocess.Popen(
        [sys.executable, "-m", "engine", "sop", "--help"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}:{PROJECT}"}, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until((tmp_path / "loading").exists)
    begun.send_signal(signal.SIGINT)
    assert begun.communicate(timeout=60) == ("", "")
    assert begun.returncode == -signal.SIGINT


def test_ctrl_c_is_heard_while_a_command_waits_for_a_lock(office: Company) -> None:
    task = begin(office, LATER)
    dsn = office.runtime.database.dsn
    with psycopg.connect(dsn) as other:
        other.execute("select from tasks where id = %s for update", [task.id])
        program = subprocess.Popen(
            [sys.executable, "-m", "engine", "task", "cancel", str(task.number)],
            env=os.environ | {"DATABASE_URL": dsn, "ENGINE_MODE": "demo"},
            cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        waits = (
            "select count(*) from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = current_database()"
        )
        with psycopg.connect(dsn, autocommit=True) as watching:
            wait_until(lambda: (watching.execute(waits).fetchone() or [0])[0])
            began = time.monotonic()
            program.send_signal(signal.SIGINT)
            try:
                out, err = program.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                program.kill()
                raise
        assert time.monotonic() - began < 4
    assert (program.returncode != 0, out, err.strip()) == (True, "", "Aborted!")
    assert office.see(task).status == "waiting_on_timer"
