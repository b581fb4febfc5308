"""The office's mailbox: an IMAP server on a folder, which survives restarts.

    python -m web.local.imap --port 1143 --maildir .data/maildir

pymap does the serving (it is written by others, so our IMAP client is not tested against
our own idea of IMAP). Six habits of it are put right here. It keeps no hold on its connections,
so that the garbage collector ends one in the middle. Its Maildir backend writes each message
anew by the standard library's generator, which changes two real mails in three; it numbers
new files in no order; its threads read a list of files that another is filling, and number
anew what they missed; it moves its index between file systems; and a lock that a killed
server left holds up the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import sys
import tempfile
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

MAILBOX = "mailbox"
_numbers = itertools.count()


def drop(maildir: Path | str, raw: bytes, folder: str = "") -> Path:
    """Put a message in, as delivery does: written aside first, then moved, so that nobody
    ever reads half of it. `folder` is one beside the inbox, such as `Sent`."""
    home = _mailbox(Path(maildir), folder)
    name = f"{time.time_ns()}.P{os.getpid()}Q{next(_numbers):06}.local"
    aside, final = home / "tmp" / name, home / "new" / name
    aside.write_bytes(re.sub(rb"\r?\n", b"\r\n", raw))
    aside.rename(final)
    return final


def prepare(maildir: Path, user: str, password: str) -> None:
    """The folder and the files in which pymap looks for who may sign in."""
    from pysasl.hashing import BuiltinHash

    _mailbox(maildir)
    _mailbox(maildir, "Sent")
    hashed = BuiltinHash(rounds=1).hash(password).replace(":", "\\:")
    (maildir / "pymap-etc-passwd").write_text(f"{user}:::::{MAILBOX}:\r\n")
    (maildir / "pymap-etc-shadow").write_text(f"{user}:{hashed}:::::::\r\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m web.local.imap", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--user", default="office")
    parser.add_argument("--password", default="office")
    parser.add_argument("--debug", action="store_true", help="print what is said, line by line")
    given = parser.parse_args(arguments)
    from pymap.backend.maildir.uidlist import UidList

    prepare(given.maildir, given.user, given.password)
    # pymap writes its index to the temporary directory and then renames it into place.
    tempfile.tempdir = str(given.maildir)
    # A folder has one server: what is locked now, nobody holds.
    for left in given.maildir.rglob(UidList.LOCK_FILE):
        left.unlink()
    _hold_connections()
    _serve_in_one_thread()
    _correct_maildir()
    _end_at_once()
    sys.argv = ["pymap", "--host", given.host, "--port", str(given.port), "--no-tls"]
    sys.argv += ["--debug"] if given.debug else []
    sys.argv += ["maildir", str(given.maildir)]
    from pymap.main import main as serve

    serve()


def _mailbox(maildir: Path, folder: str = "") -> Path:
    home = maildir / MAILBOX
    # In the layout Maildir++ a folder beside the inbox is a directory inside it.
    home = home / f".{folder}" if folder else home
    for part in ("tmp", "new", "cur"):
        (home / part).mkdir(parents=True, exist_ok=True)
    if folder:
        (home / "maildirfolder").touch()
    return home


def _end_at_once() -> None:
    """Told to end, a server of asyncio waits for its clients, and ours stay for minutes."""
    from asyncio.base_events import Server

    async def wait_closed(_: Server) -> None:
        return

    Server.wait_closed = wait_closed  # pyright: ignore[reportAttributeAccessIssue]


def _hold_connections() -> None:
    from proxyprotocol.reader import ProxyProtocolReader
    from proxyprotocol.result import ProxyResultLocal
    from proxyprotocol.sock import SocketInfo

    def get_callback(_: object, serve: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
        async def connected(reader: StreamReader, writer: StreamWriter) -> None:
            peer = SocketInfo.get(writer, ProxyResultLocal(), unique_id=uuid4().bytes)
            await serve(reader, writer, peer)

        return connected

    ProxyProtocolReader.get_callback = get_callback  # pyright: ignore[reportAttributeAccessIssue]


def _serve_in_one_thread() -> None:
    from pymap.concurrent import Subsystem

    alone = Subsystem.for_asyncio()
    Subsystem.for_executor = lambda _: alone  # pyright: ignore[reportAttributeAccessIssue]


def _correct_maildir() -> None:
    from mailbox import Maildir as Standard

    from pymap.backend.maildir.mailbox import MailboxData, Maildir

    def get_message(self: Maildir, key: str) -> bytes:
        return Path(self._join(self._lookup(key))).read_bytes()

    def keys(self: Maildir) -> Iterable[str]:
        return sorted(Standard.keys(self))

    # Files are listed, then numbered: nobody else may number or forget any in between.
    numbering = asyncio.Lock()
    reset, cleanup = MailboxData.reset, MailboxData.cleanup

    async def reset_alone(self: MailboxData) -> MailboxData:
        async with numbering:
            return await reset(self)

    async def clean_up_alone(self: MailboxData) -> None:
        async with numbering:
            await cleanup(self)

    MailboxData.reset = reset_alone
    MailboxData.cleanup = clean_up_alone
    Maildir.get_message = get_message  # pyright: ignore[reportAttributeAccessIssue]
    Maildir.keys = keys  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    main()
