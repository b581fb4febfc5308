"""A watcher paused and resumed by a command: it starts nothing meanwhile, and looks once after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine import intake, watchers
from engine.cli import cli
from engine.demo import reserve_port
from engine.seeding import seed
from engine.settings import PROJECT
from tests.engine.hands import procedure, rows
from tests.engine.test_watchers import TELL
from tests.mail.test_mailbox import imap_server
from tests.world import Company, company
from web.local.imap import drop

HOURLY = "hour by hour"


def command(office: Company, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setenv("DATABASE_URL", office.runtime.database.dsn)
    return CliRunner().invoke(cli, ["watcher", *words])


def watch(office: Company) -> None:
    """A schedule for each hour, that was last looked at five hours ago."""
    office.import_sop(procedure(TELL, slug="timely"))
    with office.runtime.database.statement("watch") as conn:
        conn.execute("delete from watchers")
        conn.execute(
            "insert into watchers (agent_id, sop_slug, name, check_type, check_config,"
            " interval_seconds, created_at) select id, 'timely', %s, 'schedule',"
            """ '{"cron": "0 * * * *"}', 60, now() - interval '5 hours'"""
            " from agents where slug = 'lead_response'",
            [HOURLY],
        )


def started(office: Company) -> int:
    office.settle()
    return len(rows(office, "select id from tasks"))


def test_a_paused_watcher_starts_nothing_and_resumed_it_looks_once(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(office)
    told = command(office, monkeypatch, "pause", *HOURLY.split())
    assert (told.exit_code, told.output) == (0, f"{HOURLY}: paused, it starts no task\n")
    assert watchers.check_due(office.runtime) == 0
    assert started(office) == 0
    told = command(office, monkeypatch, "resume", HOURLY)
    assert (told.exit_code, told.output) == (0, f"{HOURLY}: active, it looks now\n")
    assert watchers.check_due(office.runtime) == 1
    assert watchers.check_due(office.runtime) == 0
    assert started(office) == 1, "the last hour, and not each one that was missed"


def test_each_change_is_an_event_with_its_actor(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(office)
    for verb in ("pause", "pause", "resume", "resume"):
        told = command(office, monkeypatch, verb, HOURLY)
        assert told.exit_code == 0
    assert "as before" in told.output
    found = rows(
        office,
        "select event_type, actor, output_summary, agent_id is not null as agent from task_events"
        " where event_type like 'watcher_%%' order by created_at",
    )
    assert [(one["event_type"], one["output_summary"]) for one in found] == [
        ("watcher_paused", HOURLY),
        ("watcher_resumed", HOURLY),
    ]
    assert all(one["actor"].startswith("cli:") and one["agent"] for one in found)


def test_the_list_says_what_each_does_and_how_it_stands(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(office, monkeypatch, "pause", "open quotes")
    listed = command(office, monkeypatch, "list").output.splitlines()
    [quotes] = [line for line in listed if line.startswith("open quotes")]
    assert "paused" in quotes
    assert "30 9 * * 1-5" in quotes
    assert "quote_follow_up" in quotes
    [mailbox] = [line for line in listed if line.startswith("office mailbox")]
    assert "active" in mailbox
    assert "every 300 s" in mailbox


def test_a_name_that_is_none_is_one_line_with_those_that_are(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = command(office, monkeypatch, "pause", "mailbox")
    assert told.exit_code == 1
    assert len(told.output.splitlines()) == 1
    assert "office mailbox" in told.output


def test_seeding_again_leaves_it_paused(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    command(office, monkeypatch, "pause", "reviews")
    with office.runtime.database.transaction("seed") as conn:
        list(seed(conn, PROJECT / "seeds"))
    [line] = [one for one in command(office, monkeypatch, "list").output.splitlines()
              if one.startswith("reviews")]  # fmt: skip
    assert "paused" in line


def test_slack_s_status_names_those_that_are_paused(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.test_commands import say

    command(office, monkeypatch, "pause", "reviews")
    assert "Watchers that are paused: reviews" in say(office, "status")


# -- in the middle of a check ---------------------------------------------------------------


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    pytest.importorskip("pymap", reason="the IMAP stand-in needs pymap")
    maildir, port = tmp_path / "maildir", reserve_port()
    with imap_server(maildir, port):
        yield maildir, port


def letter(n: int) -> bytes:
    return (
        f"From: Jane {n} <jane{n}@home.example>\r\nTo: office@us.example\r\n"
        f"Message-ID: <{n}@home.example>\r\nSubject: Snow {n}\r\n\r\nWhat does plowing cost?"
    ).encode()


def test_paused_in_the_middle_of_a_check_it_takes_no_further_mail(
    database: str, tmp_path: Path, mailbox: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    maildir, port = mailbox
    for n in range(3):
        drop(maildir, letter(n))
    imap = {"imap_host": "127.0.0.1", "imap_port": port, "imap_tls": False}
    signed = {"imap_user": "office", "imap_password": "office"}
    with company(database, tmp_path, web=False, **imap, **signed) as office:
        take = intake.take_mail

        def take_and_pause(*given: object, **more: object) -> object:
            taken = take(*given, **more)  # type: ignore[arg-type]
            assert command(office, monkeypatch, "pause", "office mailbox").exit_code == 0
            return taken

        monkeypatch.setattr(intake, "take_mail", take_and_pause)
        watchers.check_due(office.runtime)
        assert len(rows(office, "select id from mails")) == 1
        monkeypatch.setattr(intake, "take_mail", take)
        command(office, monkeypatch, "resume", "office mailbox")
        watchers.check_due(office.runtime)
        assert len(rows(office, "select id from mails")) == 3, "and then the others, once"
