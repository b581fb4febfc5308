"""A setting that is wrong, misspelt or left out is told before anything begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.demo import TOPIC
from tests.engine.test_questions import command
from tests.world import Company


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`.env` is read where the command is given."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(**settings: str) -> str:
    # A database that nobody answers at: what is wrong with a setting is said all the same.
    given = {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "SECRET_KEY": "x" * 40, **settings}
    done = CliRunner().invoke(cli, ["check"], env=given)
    assert done.exit_code == 1
    return done.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "99999", "65535"),
        ("UNDO_SECONDS", "-1", "0"),
        ("UNDO_SECONDS", "301", "300"),
        ("TIMEZONE", "Mars/Base", "there is no time zone 'Mars/Base'"),
        ("WEB_BASE_URL", "office.example", "'office.example' is no address"),
        ("SES_SENDS_PER_SECOND", "-1", "0"),
        ("WORKER_CONCURRENCY", "0", "1"),
        ("CONFIDENCE_THRESHOLD", "70", "1"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: str, said: str) -> None:
    output = checked(**{name: value})
    assert output.startswith(f"The settings cannot be used: {name}: ")
    assert said in output
    assert len(output.splitlines()) == 1


def test_a_line_of_the_file_that_says_nothing_is_named(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("LOG_FORMAT=json\n\n# a word\nfoo bar\nPORT=81\n")
    assert checked() == (
        "The settings cannot be used: .env, line 4: is no NAME=value; mend it, or put # in front\n"
    )


def test_a_file_in_another_encoding_is_told_so(empty_folder: Path) -> None:
    (empty_folder / ".env").write_bytes("REHEARSAL_ADDRESS=büro@example.com\n".encode("latin-1"))
    assert checked() == "The settings cannot be used: .env is not UTF-8 text; save it as UTF-8\n"


def test_a_misspelt_name_is_told_with_the_one_that_is_meant(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("UNDO_SECOND=3\nPOSTGRES_PASSWORD=x\n")
    output = checked(SLACK_BOT_TOKN="x", AWS_REGION="eu-west-1")
    assert "MISS  UNDO_SECOND    is no setting, and is not read; UNDO_SECONDS is one\n" in output
    assert "MISS  SLACK_BOT_TOKN is no setting, and is not read; SLACK_BOT_TOKEN is one" in output
    assert "POSTGRES" not in output
    assert "AWS_REGION" not in output


def test_a_setting_that_is_missing_is_not_called_the_company() -> None:
    output = checked(ENGINE_MODE="rehearsal", REHEARSAL_ADDRESS="")
    assert "FAIL  settings       REHEARSAL_ADDRESS is empty" in output


def test_beside_a_demo_it_is_said_whose_settings_these_are(office: Company) -> None:
    said = command(office, "check").output
    assert said.startswith(
        "ok    mode           demo: what follows is about a `web` and `worker` of your own;"
        " `bin/engine demo` needs none of it\n"
    )


def test_that_no_mail_can_be_sent_is_told(office: Company) -> None:
    said = command(office, "check").output
    assert "MISS  mail           AWS_ACCESS_KEY_ID is empty: no mail can be sent" in said


def test_who_sends_and_where_a_rehearsal_goes_is_told(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_ENDPOINT_URL", f"{office.local_url}/ses")
    monkeypatch.setenv("SES_CONFIGURATION_SET", "office")
    monkeypatch.setenv("SNS_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("REHEARSAL_ADDRESS", "me@example.com")
    monkeypatch.setenv("SECRET_KEY", office.runtime.settings.secret_key.get_secret_value())
    monkeypatch.setenv("DATABASE_URL", office.runtime.database.dsn)
    monkeypatch.setenv("ENGINE_MODE", "rehearsal")
    said = CliRunner().invoke(cli, ["check"]).output
    sender = office.runtime.business.mail_from.address
    assert f"ok    mail           from {sender} by SES in us-east-1; all of it goes to me@" in said
    assert "ok    mail account   out of the sandbox; 0 of 50000 mails sent" in said
    assert f"ok    mail identity  {sender.partition('@')[2]} is verified and signs" in said
    assert f"ok    mail reports   office reports to {TOPIC}\n" in said
    assert "SKIP  DNS            not looked at, for SES is a stand-in here" in said
