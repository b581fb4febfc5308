"""The folder of sent mail over a real IMAP server: one sign-in for many looks."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.demo import reserve_port
from engine.errors import Unreachable
from engine.mail import sent_folder as module
from engine.mail.imap_account import Account
from engine.mail.sent_folder import SentFolder
from tests.mail.test_mailbox import imap_server
from web.local.imap import drop

pytest.importorskip("pymap", reason="the IMAP stand-in needs pymap")
HOUR = timedelta(hours=1)


class Server:
    """The stand-in, and what was said to it."""

    def __init__(self, folder: Path) -> None:
        self.maildir, self.log, self.port = folder / "maildir", folder / "imap.log", reserve_port()

    def said(self, command: str) -> int:
        return len(re.findall(rb"(?i)\b%s\b.*" % command.encode(), self.lines()))

    def lines(self) -> bytes:
        found = self.log.read_bytes().splitlines() if self.log.exists() else []
        return b"\n".join(line for line in found if b"-->" in line or b"->|" in line)

    def writes(self, address: str = "jane@home.example") -> None:
        mail = f"From: office@us.example\r\nTo: Jane <{address}>\r\nSubject: x\r\n\r\nhi"
        drop(self.maildir, mail.encode(), folder="Sent")

    def account(self, **changes) -> Account:
        settings = {"user": "office", "password": "office", "tls": False, "timeout": 10.0}
        return Account("127.0.0.1", **{"port": self.port} | settings | changes)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    here = Server(tmp_path)
    with imap_server(here.maildir, here.port, here.log):
        yield here


@pytest.fixture
def folder() -> Iterator[SentFolder]:
    made = SentFolder()
    yield made
    made.close()


def look(folder: SentFolder, account: Account, address: str = "jane@home.example"):
    return folder.written_to_since(account, address, datetime.now(UTC) - HOUR)


def test_what_a_person_wrote_is_found_among_sent_mails(server: Server, folder: SentFolder):
    now = datetime.now(UTC)
    account = server.account()
    assert folder.written_to_since(account, "jane@home.example", now - HOUR) is None
    server.writes()
    when = folder.written_to_since(account, "jane@home.example", now - HOUR)
    assert when is not None
    assert abs(when - now) < timedelta(minutes=5)
    assert folder.written_to_since(account, "jane@home.example", now + HOUR) is None
    assert folder.written_to_since(account, "joe@home.example", now - HOUR) is None
    assert folder.written_to_since(account, 'x" ALL "@home.example', now - HOUR) is None


def test_many_looks_are_one_sign_in(server: Server, folder: SentFolder):
    for n in range(10):
        assert look(folder, server.account(), f"c{n}@home.example") is None
    server.writes("c3@home.example")
    assert look(folder, server.account(), "c3@home.example") is not None
    assert server.said("LOGIN") == 1


def test_a_server_that_has_closed_is_signed_in_to_once_more(tmp_path: Path, folder: SentFolder):
    server = Server(tmp_path)
    with imap_server(server.maildir, server.port, server.log):
        look(folder, server.account())
    server.writes()
    with imap_server(server.maildir, server.port, server.log):
        assert look(folder, server.account()) is not None
        assert server.said("LOGIN") == 2


def test_a_line_that_is_dead_without_a_word_costs_seconds_and_no_answer(
    server: Server, folder: SentFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.3)
    with Relay(server.port) as relay:
        account = server.account(port=relay.port)
        look(folder, account)
        relay.swallow()
        server.writes()
        began = time.monotonic()
        assert look(folder, account) is not None
        assert time.monotonic() - began < 5, "not the ten seconds of a whole timeout"


def test_a_server_that_is_down_is_told(tmp_path: Path, folder: SentFolder):
    server = Server(tmp_path)
    with imap_server(server.maildir, server.port, server.log):
        look(folder, server.account())
    with pytest.raises(Unreachable):
        look(folder, server.account())


def test_what_has_stood_too_long_is_opened_anew(
    server: Server, folder: SentFolder, monkeypatch: pytest.MonkeyPatch
):
    look(folder, server.account())
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.0)
    look(folder, server.account())
    assert server.said("LOGIN") == 2


def test_threads_that_look_at_once_get_each_their_own_answer(server: Server, folder: SentFolder):
    for n in range(0, 40, 2):
        server.writes(f"c{n}@home.example")
    with ThreadPoolExecutor(8) as crew:
        found = list(crew.map(lambda n: look(folder, server.account(), f"c{n}@home.example"),
                              range(40)))  # fmt: skip
    assert [n for n, when in enumerate(found) if when] == list(range(0, 40, 2))
    assert server.said("LOGIN") <= 40 / 2, "most of them found one that was signed in"


def test_closed_it_takes_its_leave_and_keeps_nothing(server: Server, folder: SentFolder):
    look(folder, server.account())
    folder.close()
    assert server.said("LOGOUT") == 1
    look(folder, server.account())
    assert server.said("LOGOUT") == 2


def test_another_account_does_not_get_this_one_s_line(server: Server, folder: SentFolder):
    look(folder, server.account())
    with pytest.raises(Exception, match="login_refused"):
        look(folder, server.account(password="another"))


class Relay:
    """Stands between, and can let what is said fall silently, as a router does that has
    forgotten a connection. New connections pass."""

    def __init__(self, port: int) -> None:
        self._to, self._pairs, self._silent = port, [], set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        for one in (end for pair in self._pairs for end in pair):
            one.close()

    def swallow(self) -> None:
        self._silent = set(self._pairs)

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listening.accept()
            except OSError:
                return
            pair = (ours, socket.create_connection(("127.0.0.1", self._to)))
            self._pairs.append(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pass, args=(pair, source, sink), daemon=True).start()

    def _pass(self, pair: tuple, source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                if pair not in self._silent:
                    sink.sendall(piece)
        except OSError:
            return
