"""The mailbox over a real IMAP server, which others wrote."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.demo import reserve_port
from engine.errors import Refused, Unauthorised, Unreachable
from engine.mail import mailbox as module
from engine.mail.imap_account import Account
from engine.mail.inbound import read_mail
from engine.mail.mailbox import Cursor, Mailbox, from_settings, imap_date
from engine.settings import Settings
from tests.mail.samples import all_samples, needs_samples
from web.local.imap import MAILBOX, drop

pytest.importorskip("pymap", reason="the IMAP stand-in needs pymap")
PROJECT = Path(__file__).resolve().parents[2]


@contextmanager
def imap_server(maildir: Path, port: int, log: Path | None = None) -> Iterator[None]:
    """`log` gets every line that is said."""
    command = [sys.executable, "-m", "web.local.imap", "--port", str(port)]
    command += ["--maildir", str(maildir), *(["--debug"] if log else [])]
    with open(log or os.devnull, "ab") as said:
        server = subprocess.Popen(command, cwd=PROJECT, stderr=said)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    maildir, port = tmp_path_factory.mktemp("imap") / "maildir", reserve_port()
    with imap_server(maildir, port):
        yield maildir, port


@pytest.fixture
def maildir(server: tuple[Path, int]) -> Path:
    return server[0]


@pytest.fixture
def mailbox(server: tuple[Path, int]) -> Mailbox:
    return connect(server[1])


def connect(port: int, folder: str = "INBOX", **changes) -> Mailbox:
    settings = {"user": "office", "password": "office", "tls": False, "timeout": 5.0}
    return Mailbox(Account("127.0.0.1", port, **settings | changes), folder)


def message(subject: str, size: int = 0) -> bytes:
    body = b"hello\r\n" + (b"y" * 74 + b"\r\n") * (size // 76)
    return f"From: jane@home.example\r\nSubject: {subject}\r\n\r\n".encode() + body


def subjects(fetched: list) -> list[str]:
    return [read_mail(one.raw).subject for one in fetched]


def test_what_came_in_since_last_time_is_fetched_once(mailbox: Mailbox, maildir: Path):
    before = mailbox.position()
    for n in range(5):
        drop(maildir, message(f"mail {n}"))
    first = list(mailbox.fetch(before, limit=3))
    assert subjects(first) == ["mail 0", "mail 1", "mail 2"]
    rest = list(mailbox.fetch(first[-1].cursor))
    assert subjects(rest) == ["mail 3", "mail 4"]
    # `n:*` names the last message even where that is below n.
    assert list(mailbox.fetch(rest[-1].cursor)) == []
    assert mailbox.position() == rest[-1].cursor


def test_a_caller_who_stops_goes_on_where_it_stopped(mailbox: Mailbox, maildir: Path):
    before = mailbox.position()
    drop(maildir, message("one"))
    drop(maildir, message("two"))
    for fetched in mailbox.fetch(before):
        kept = fetched.cursor
        break
    assert subjects(list(mailbox.fetch(kept))) == ["two"]


def test_fetching_leaves_no_trace(mailbox: Mailbox, maildir: Path):
    before = mailbox.position()
    path = drop(maildir, message("unseen"))
    list(mailbox.fetch(before))
    (kept,) = (maildir / MAILBOX).glob(f"*/{path.name}*")
    assert "S" not in kept.name.partition(":")[2]


@needs_samples
def test_real_mails_come_back_byte_for_byte(mailbox: Mailbox, maildir: Path):
    before = mailbox.position()
    raws = [path.read_bytes() for path in all_samples()]
    for raw in raws:
        drop(maildir, raw)
    fetched = list(mailbox.fetch(before, limit=500))
    assert [one.raw for one in fetched] == [re.sub(rb"\r?\n", b"\r\n", raw) for raw in raws]
    assert all(one.whole for one in fetched)


def test_of_a_mail_too_large_the_beginning_is_fetched(
    mailbox: Mailbox, maildir: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "SIZE_LIMIT", 200_000)
    monkeypatch.setattr(module, "CUT_SIZE", 10_000)
    before = mailbox.position()
    drop(maildir, message("large", 300_000))
    drop(maildir, message("small"))
    large, small = mailbox.fetch(before)
    assert (large.whole, len(large.raw)) == (False, 10_000)
    assert read_mail(large.raw).text.startswith("hello")
    assert small.whole


def test_without_a_cursor_only_the_last_days_are_fetched(mailbox: Mailbox, maildir: Path):
    old = drop(maildir, message("twenty years old"))
    os.utime(old, (0, 0))
    drop(maildir, message("fresh"))
    found = subjects(list(mailbox.fetch(None, limit=500)))
    assert "fresh" in found
    assert "twenty years old" not in found


def test_a_mailbox_that_was_renumbered_is_read_again(mailbox: Mailbox, maildir: Path):
    drop(maildir, message("still here"))
    position = mailbox.position()
    elsewhere = Cursor(position.uidvalidity + 1, position.uid + 1000)
    assert "still here" in subjects(list(mailbox.fetch(elsewhere, limit=500)))


def test_a_restart_changes_no_numbers(tmp_path: Path):
    maildir, port = tmp_path / "maildir", reserve_port()
    drop(maildir, message("before the server was"))
    with imap_server(maildir, port):
        (first,) = connect(port).fetch(None)
    with imap_server(maildir, port):
        assert connect(port).position() == first.cursor
        drop(maildir, message("after"))
        assert subjects(list(connect(port).fetch(first.cursor))) == ["after"]


def test_a_wrong_password(server: tuple[Path, int]):
    with pytest.raises(Unauthorised, match="imap login_refused"):
        connect(server[1], password="wrong").position()
    with pytest.raises(Unauthorised, match="imap login_refused"):
        connect(server[1], password="falsch-ü").position()


def test_a_folder_that_is_not_there(server: tuple[Path, int]):
    with pytest.raises(Refused, match="imap folder_missing"):
        connect(server[1], folder="Nowhere").position()


@pytest.mark.parametrize("answer", [b"", b"* BYE busy\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_that_is_none(answer: bytes):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        box = connect(listening.getsockname()[1], timeout=0.5)

        def reply() -> None:
            connection, _ = listening.accept()
            connection.sendall(answer)
            if answer:
                connection.close()
            else:
                time.sleep(1)  # accepts and says nothing

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(Unreachable):
            box.position()
        thread.join()


def test_nobody_listens():
    with pytest.raises(Unreachable, match="imap ConnectionRefusedError"):
        connect(reserve_port()).position()


def test_tls_is_asked_of_a_server_that_has_none(server: tuple[Path, int]):
    with pytest.raises(Unreachable, match="imap SSLError"):
        connect(server[1], tls=True).position()


def test_the_settings_name_the_mailbox(server: tuple[Path, int]):
    settings = Settings(
        IMAP_HOST="127.0.0.1",  # type: ignore[call-arg]
        IMAP_PORT=server[1],
        IMAP_TLS=False,
        IMAP_USER="office",
        IMAP_PASSWORD="office",
    )
    assert from_settings(settings).position().uidvalidity > 0


def test_a_cursor_survives_as_json():
    assert Cursor.from_json(Cursor(7, 9).as_json()) == Cursor(7, 9)
    assert Cursor.from_json(None) is None


def test_dates_as_imap_writes_them():
    assert imap_date(datetime(2025, 1, 3, tzinfo=UTC)) == "03-Jan-2025"
    assert imap_date(datetime(2025, 12, 31, tzinfo=UTC)) == "31-Dec-2025"
