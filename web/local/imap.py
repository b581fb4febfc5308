"""The office's mailbox: an IMAP server on a folder, which survives restarts.

    python -m web.local.imap --port 1143 --maildir .data/maildir

pymap does the serving (it is written by others, so our IMAP client is not tested against
our own idea of IMAP). Its Maildir backend has three habits that are put right here: it
writes each message anew by the standard library's generator, which changes two real
mails in three; it numbers new files in no order; and it moves its index between file systems.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

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
    prepare(given.maildir, given.user, given.password)
    # pymap writes its index to the temporary directory and then renames it into place.
    tempfile.tempdir = str(given.maildir)
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


def _correct_maildir() -> None:
    from mailbox import Maildir as Standard

    from pymap.backend.maildir.mailbox import Maildir

    def get_message(self: Maildir, key: str) -> bytes:
        return Path(self._join(self._lookup(key))).read_bytes()

    def keys(self: Maildir) -> Iterable[str]:
        return sorted(Standard.keys(self))

    Maildir.get_message = get_message  # pyright: ignore[reportAttributeAccessIssue]
    Maildir.keys = keys  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    main()
