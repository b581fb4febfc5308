"""Whether somebody in the office has written to a customer by hand: what lies in the
mailbox's folder of sent mail. A look and no more; nothing there is changed.

Asked before a mail is put before a person and once more right before it goes out. Where
there is no mailbox nothing is asked, and `bin/engine check` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from engine import failpoints
from engine.errors import VendorError
from engine.mail import mailbox
from engine.moments import moment
from engine.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Written:
    """`at`: when somebody last wrote to them. `unknown`: the folder could not be read."""

    at: datetime | None = None
    unknown: bool = False


def look(settings: Settings, address: str, since: datetime) -> Written:
    if not settings.imap_host or not settings.sent_folder_check or not address:
        return Written()
    failpoints.reach("call:imap:sent:before")
    try:
        at = mailbox.from_settings(settings).written_to_since(address, since)
    except VendorError as error:
        log.warning("sent_folder_not_read", code=error.code, detail=error.detail)
        return Written(unknown=True)
    failpoints.reach("call:imap:sent:after")
    return Written(at)


def told(at: datetime, zone: ZoneInfo) -> str:
    return f"Somebody wrote to them from the office’s mailbox, {moment(at, zone)}."
