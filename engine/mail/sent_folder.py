"""The mailbox's folder of sent mail: whether somebody in the office has written to a customer by
hand. A look and no more; nothing there is changed.

Asked before a mail is put before a person and once more right before it goes out, so a campaign
looks a thousand times. A connection is kept signed in from one look to the next: signing in is
the dear part, and what providers count. Where there is no mailbox nothing is asked, and
`bin/engine check` says so.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from imap_tools.mailbox import BaseMailBox

from engine import failpoints
from engine.errors import VendorError
from engine.mail.addresses import deliverable
from engine.mail.imap_account import Account, leave, select, translated
from engine.mail.mailbox import imap_date
from engine.moments import moment
from engine.settings import Settings

log = structlog.get_logger()
SENT_NAMES = re.compile(r"(^|[/.])(sent|sent items|sent messages|sent mail)$", re.IGNORECASE)

# Those that look at the same moment open connections of their own; so many stay.
KEPT = 3
# Less than any server or router lets a silent connection stand.
KEPT_SECONDS = 240.0
# A connection that is dead without our knowing must not cost a whole timeout.
PROBE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Written:
    """`at`: when somebody last wrote to them. `unknown`: the folder could not be read."""

    at: datetime | None = None
    unknown: bool = False


@dataclass(slots=True)
class _Line:
    """A connection that is signed in, and what its account calls the folder; None where it has
    no such folder."""

    account: Account
    box: BaseMailBox
    folder: str | None
    used_at: float


class SentFolder:
    """One for a process. Threads may look at once: a connection belongs to one at a time."""

    def __init__(self) -> None:
        self._idle: list[_Line] = []
        self._lock = threading.Lock()
        self._closed = False

    def look(self, settings: Settings, address: str, since: datetime) -> Written:
        if not settings.imap_host or not settings.sent_folder_check or not address:
            return Written()
        failpoints.reach("call:imap:sent:before")
        try:
            at = self.written_to_since(Account.from_settings(settings), address, since)
        except VendorError as error:
            log.warning("sent_folder_not_read", code=error.code, detail=error.detail)
            return Written(unknown=True)
        failpoints.reach("call:imap:sent:after")
        return Written(at)

    def written_to_since(self, account: Account, address: str, since: datetime) -> datetime | None:
        """When a person last wrote to this address from the office, if that was after
        `since`. Our own mail goes by SES and does not lie there."""
        if not deliverable(address):
            return None
        line = self._kept(account)
        if line is not None:
            try:
                return self._asked(line, address, since, probe=True)
            except VendorError as error:
                # The server ends what stands idle, and it is a read: once more, on a new one.
                log.info("sent_folder_opened_again", code=error.code, detail=error.detail)
        return self._asked(_opened(account), address, since)

    def close(self) -> None:
        """Leave the server; what is in use is left when it comes back."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for line in idle:
            leave(line.box)

    def _asked(
        self, line: _Line, address: str, since: datetime, *, probe: bool = False
    ) -> datetime | None:
        try:
            with translated():
                at = _last_written(line, deliverable(address), since, probe=probe)
        except BaseException:
            # No farewell: the server may be gone, and waiting for its answer is lost time.
            _drop(line)
            raise
        self._keep(line)
        return at

    def _kept(self, account: Account) -> _Line | None:
        """The one that was used last; those that have stood too long are left."""
        with self._lock:
            oldest = time.monotonic() - KEPT_SECONDS
            fits = [one for one in self._idle if one.account == account and one.used_at > oldest]
            gone = [one for one in self._idle if one not in fits]
            found = fits.pop() if fits else None
            self._idle = fits
        for line in gone:
            _drop(line)
        return found

    def _keep(self, line: _Line) -> None:
        line.used_at = time.monotonic()
        with self._lock:
            kept = not self._closed and len(self._idle) < KEPT
            if kept:
                self._idle.append(line)
        if not kept:
            leave(line.box)


def name_of(account: Account) -> str | None:
    """What the account calls its folder of sent mail."""
    with account.opened() as box:
        return _named(box)


def told(at: datetime, zone: ZoneInfo) -> str:
    return f"Somebody wrote to them from the office’s mailbox, {moment(at, zone)}."


def _opened(account: Account) -> _Line:
    with translated():
        box = account.signed_in()
        try:
            return _Line(account, box, _named(box), time.monotonic())
        except BaseException:
            leave(box)
            raise


def _drop(line: _Line) -> None:
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        line.box.client.shutdown()


def _last_written(line: _Line, to: str, since: datetime, *, probe: bool) -> datetime | None:
    if line.folder is None:
        return None
    box, sock = line.box, line.box.client.sock
    if probe:
        sock.settimeout(min(PROBE_SECONDS, line.account.timeout))
    # Anew each time: what has been sent since is not seen otherwise.
    select(box, line.folder)
    sock.settimeout(line.account.timeout)
    # The search knows days only, and those of the server's clock.
    day = imap_date(since - timedelta(days=1))
    uids = box.uids(f'TO "{to}" SINCE {day}', charset=None)
    if not uids:
        return None
    _, lines = box.client.uid("FETCH", ",".join(uids[-200:]), "(UID INTERNALDATE)")
    return max((when for when in map(_internal_date, lines) if when > since), default=None)


def _named(box: BaseMailBox) -> str | None:
    """The folder of sent mail, by its flag or its name."""
    folders = box.folder.list()
    marked = [one.name for one in folders if "\\sent" in {flag.lower() for flag in one.flags}]
    named = [one.name for one in folders if SENT_NAMES.search(one.name)]
    return next(iter(marked + named), None)


def _internal_date(line: Any) -> datetime:
    text = line[0] if isinstance(line, tuple) else line
    found = re.search(rb'INTERNALDATE "([^"]+)"', text or b"")
    try:
        written = found[1].decode("ascii").strip() if found else ""
        return datetime.strptime(written, "%d-%b-%Y %H:%M:%S %z")
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
