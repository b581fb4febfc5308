"""The office's mailbox by IMAP: what came in since last time.

Nothing in the mailbox is changed: the folder is opened read-only and bodies are peeked at,
so a mail that a person has not seen stays unseen. Where we stand is a cursor of the
server's own numbers. Should the server renumber (UIDVALIDITY), the last days are read
again; the caller knows each mail by its hash and takes none twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from imap_tools.mailbox import BaseMailBox

from engine.errors import Unreachable
from engine.mail.imap_account import Account, select
from engine.settings import Settings

SIZE_LIMIT = 25 * 1024 * 1024
CUT_SIZE = 1024 * 1024
"""Of a larger mail so much is fetched: its headers and, as a rule, its text."""
LOOKBACK = timedelta(days=7)
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last message taken: everything above it is new."""

    uidvalidity: int
    uid: int

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> Cursor | None:
        return cls(int(kept["uidvalidity"]), int(kept["uid"])) if kept else None

    def as_json(self) -> dict[str, int]:
        return asdict(self)


class Fetched(NamedTuple):
    """One message. `cursor` is what to keep once it is taken in. Where `whole` is false, it
    was larger than SIZE_LIMIT and `raw` is its beginning."""

    raw: bytes
    cursor: Cursor
    whole: bool


def from_settings(settings: Settings) -> Mailbox:
    return Mailbox(Account.from_settings(settings), settings.imap_folder)


class Mailbox:
    """Connects for each call and keeps nothing open between them."""

    def __init__(self, account: Account, folder: str = "INBOX") -> None:
        self._account = account
        self._folder = folder

    def position(self) -> Cursor:
        """Where the mailbox ends now: for a watcher that shall begin with the next mail."""
        with self._account.opened() as box:
            uidvalidity = select(box, self._folder)
            return Cursor(uidvalidity, max(map(int, box.uids("ALL", charset=None)), default=0))

    def fetch(self, cursor: Cursor | None, limit: int = 50) -> Iterator[Fetched]:
        """Messages above the cursor, oldest first. Without a usable cursor, those of the last
        days: a mailbox may hold twenty years, and nobody wants them answered."""
        with self._account.opened() as box:
            uidvalidity = select(box, self._folder)
            if cursor is not None and cursor.uidvalidity == uidvalidity:
                found = map(int, box.uids(f"UID {cursor.uid + 1}:*", charset=None))
                # The range `n:*` always holds the last message, even one below n.
                uids = sorted(uid for uid in found if uid > cursor.uid)[:limit]
            else:
                since = imap_date(datetime.now(UTC) - LOOKBACK)
                uids = sorted(map(int, box.uids(f"SINCE {since}", charset=None)))[:limit]
            sizes = _sizes(box, uids)
            for uid in uids:
                whole = sizes.get(uid, 0) <= SIZE_LIMIT
                raw = _body(box, uid, "BODY.PEEK[]" if whole else f"BODY.PEEK[]<0.{CUT_SIZE}>")
                # Deleted since the search: the cursor of the next one passes over it.
                if raw is not None:
                    yield Fetched(raw, Cursor(uidvalidity, uid), whole)


def imap_date(when: datetime) -> str:
    return f"{when.day:02}-{MONTHS[3 * when.month - 3 : 3 * when.month]}-{when.year}"


def _sizes(box: BaseMailBox, uids: list[int]) -> dict[int, int]:
    if not uids:
        return {}
    _, lines = box.client.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
    sizes: dict[int, int] = {}
    for line in filter(None, lines):
        text = line[0] if isinstance(line, tuple) else line
        uid, size = re.search(rb"\bUID (\d+)", text), re.search(rb"RFC822\.SIZE (\d+)", text)
        if uid and size:
            sizes[int(uid[1])] = int(size[1])
    return sizes


def _body(box: BaseMailBox, uid: int, part: str) -> bytes | None:
    status, lines = box.client.uid("FETCH", str(uid), f"(UID {part})")
    if status != "OK":
        raise Unreachable("imap", "fetch_refused")
    for line in lines:
        if isinstance(line, tuple) and b"BODY[" in line[0].upper():
            return line[1]
    return None
