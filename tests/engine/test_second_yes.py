"""Somebody has written to the customer by hand: the card says so, and sending asks twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.demo import reserve_port
from engine.settings import PROJECT
from engine.tasks import Task
from tests.engine.hands import answer, begin, procedure, question, setting
from tests.engine.test_replies import reply_to
from tests.mail.test_mailbox import imap_server
from tests.world import Company, company, wait_until
from web.local.imap import drop

pytest.importorskip("pymap", reason="the IMAP stand-in needs pymap")
APPROVED = """
- key: approve
  name: Approve
  type: slack_ask_human
  on_failure: fail
  config:
    title: Reply
    kind: approval
    mail: {to: anna@example.com, to_name: Anna, subject: Hello, body: Hi, commercial: true}
    choices:
      send: {label: Send as is, style: primary, undoable: true}
      edit: {label: Edit first, form: edit}
      refuse: {label: "Don't send", style: danger, form: reason, goto: complete}
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    maildir, port = tmp_path_factory.mktemp("imap") / "maildir", reserve_port()
    with imap_server(maildir, port):
        yield maildir, port


@pytest.fixture
def maildir(server: tuple[Path, int], tmp_path: Path) -> Path:
    for mail in (server[0] / "mailbox" / ".Sent").rglob("*.local*"):
        mail.unlink()
    return server[0]


@contextmanager
def with_mailbox(dsn: str, folder: Path, port: int) -> Iterator[Company]:
    with company(
        dsn, folder, web=False, imap_host="127.0.0.1", imap_port=port, imap_tls=False,
        imap_user="office", imap_password="office",
    ) as here:  # fmt: skip
        yield here


@pytest.fixture
def office(
    database: str, tmp_path: Path, maildir: Path, server: tuple[Path, int]
) -> Iterator[Company]:
    with with_mailbox(database, tmp_path, server[1]) as here:
        yield here


def somebody_writes(maildir: Path, to: str = "anna@example.com") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "office@snowmass.example", to, "By hand"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail.set_content("I have called you.")
    time.sleep(1.1)  # IMAP's dates know seconds only
    drop(maildir, mail.as_bytes(), "Sent")


def looks_out(office: Company, task: Task) -> list[str]:
    return [text for label, text in question(office, task)["facts"] if label == "Look out"]


def test_nothing_was_written_and_nothing_is_said(office: Company, maildir: Path) -> None:
    somebody_writes(maildir, "bert@example.com")
    task = begin(office, APPROVED)
    assert looks_out(office, task) == []
    assert answer(office, task, "send").status == "completed"
    assert len(office.outbox) == 1


def test_the_card_says_so_and_asks_twice(office: Company, maildir: Path) -> None:
    """The owner answers from the phone before the engine has looked into the mailbox."""
    somebody_writes(maildir)
    came = (datetime.now(UTC) - timedelta(minutes=4)).isoformat()
    task = begin(office, APPROVED, {"email_sent_at": came})
    [note] = looks_out(office, task)
    assert note.startswith("Somebody wrote to them from the office’s mailbox")
    confirms = {o["value"]: o["confirm"] for o in question(office, task)["options"]}
    assert confirms["send"] == confirms["edit"] == f"{note} Send all the same?"
    assert confirms["refuse"] is None
    assert answer(office, task, "send").status == "completed", "once asked, once said"
    assert len(office.outbox) == 1


def test_what_was_written_long_before_does_not_matter(office: Company, maildir: Path) -> None:
    somebody_writes(maildir)
    time.sleep(1.1)
    assert looks_out(office, begin(office, APPROVED)) == []


def test_what_was_written_after_the_approval_is_asked_about(office: Company, maildir: Path) -> None:
    task = begin(office, APPROVED)
    answer(office, task, "send", settle=False)
    somebody_writes(maildir)
    office.pass_time(seconds=60)
    asked = question(office, task)
    assert asked["title"] == "Send this all the same?"
    assert not office.outbox
    assert looks_out(office, task)[0].startswith("Somebody wrote to them")
    approved = office.see(task).context["draft_mail"]["text"]
    done = answer(office, task, "send")
    assert done.status == "completed"
    [mail] = office.outbox
    assert mail["text"].strip() == approved.strip(), "byte for byte what was approved"


def test_a_second_no_sends_nothing(office: Company, maildir: Path) -> None:
    task = begin(office, APPROVED)
    answer(office, task, "send", settle=False)
    somebody_writes(maildir)
    office.pass_time(seconds=60)
    assert answer(office, task, "drop").status == "completed"
    assert not office.outbox


def test_a_mailbox_that_is_down_is_said_and_holds_nothing_up(database: str, tmp_path: Path) -> None:
    with with_mailbox(database, tmp_path, reserve_port()) as office:
        task = begin(office, APPROVED)
        [fact] = [text for label, text in question(office, task)["facts"] if label == "Sent folder"]
        assert fact.startswith("could not be read")
        assert looks_out(office, task) == []
        assert answer(office, task, "send").status == "completed"
        assert len(office.outbox) == 1


def test_five_mails_are_ten_looks_and_one_sign_in(database: str, tmp_path: Path) -> None:
    log, port = tmp_path / "imap.log", reserve_port()
    with imap_server(tmp_path / "maildir", port, log), with_mailbox(database, tmp_path, port) as it:
        for n in range(5):
            mailed = APPROVED.replace("anna@", f"anna{n}@").replace("commercial: true", "")
            task = begin(it, mailed, slug=f"small_{n}")
            assert answer(it, task, "send").status == "completed"
        assert len(it.outbox) == 5
    said = log.read_bytes()
    assert len(re.findall(rb"-->.*UID SEARCH", said)) == 10
    assert len(re.findall(rb"-->.*LOGIN", said)) == 1


def test_a_worker_that_ends_takes_its_leave_of_the_mailbox(database: str, tmp_path: Path) -> None:
    log, port = tmp_path / "imap.log", reserve_port()
    with imap_server(tmp_path / "maildir", port, log), with_mailbox(database, tmp_path, port) as it:
        with it.runtime.database.statement("only_this_look") as conn:
            conn.execute("delete from watchers")
        it.import_sop(procedure(APPROVED))
        task = it.run_sop("small")
        worker = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "worker"], env=environment(it), cwd=PROJECT
        )
        try:
            wait_until(lambda: it.see(task).question)
            assert b"LOGOUT" not in log.read_bytes(), "it stays signed in"
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        finally:
            worker.kill()
            worker.wait()
    assert len(re.findall(rb"-->.*LOGOUT", log.read_bytes())) == 1


def environment(office: Company) -> dict[str, str]:
    """What makes another process one of this company."""
    found = dict(os.environ)
    settings = office.runtime.settings
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        shown = value.get_secret_value() if isinstance(value, SecretStr) else value
        alias = type(settings).model_fields[name].validation_alias
        found[str(alias or name).upper()] = str(shown)
    return found


def test_it_can_be_switched_off(office: Company, maildir: Path) -> None:
    with setting(office, sent_folder_check=False):
        task = begin(office, APPROVED)
        answer(office, task, "send", settle=False)
        somebody_writes(maildir)
        office.pass_time(seconds=60)
        assert office.see(task).status == "completed"


def test_an_offer_to_who_has_replied_meanwhile_is_asked_about(
    database: str, tmp_path: Path
) -> None:
    """Without a mailbox, too: the reply came while the approval's half minute ran."""
    twice = APPROVED + APPROVED.replace("approve", "approve_2").replace("key: send", "key: send_2")
    with company(database, tmp_path, web=False, marketing_gap_days=0) as office:
        task = begin(office, twice)
        answer(office, task, "send")
        assert len(office.outbox) == 1
        answer(office, task, "send", settle=False)
        reply_to(office)
        office.pass_time(seconds=60)
        assert question(office, task)["title"] == "Send this all the same?"
        assert "has replied" in looks_out(office, task)[0]
        assert len(office.outbox) == 1
        assert answer(office, task, "send").status == "completed"
        assert len(office.outbox) == 2
