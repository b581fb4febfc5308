"""The port for mail going out, and what a mail is on its way in.

`ses.py` is the vendor; `composition.py` builds the MIME text; `inbound.py` reads any
message without a crash; `mailbox.py` fetches from IMAP; `recipients.py` says whom to
answer. (The package is named `mail` because `email` is the standard library's.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail, ready to be composed. Addresses are bare (`a@b.example`); `text` is
    final, footer included: it is what a person approved. `commercial` mail carries
    List-Unsubscribe with one-click (RFC 8058)."""

    to: str
    subject: str
    text: str
    to_name: str = ""
    reply_to: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    unsubscribe_url: str = ""
    commercial: bool = False


class Mailer(Protocol):
    def prepare(self, timeout: float) -> None:
        """Make what a first `send` with this timeout would have to make. Raises Unreachable
        where no call fits into it."""
        ...

    def send(self, mail: OutgoingMail, *, effect_key: str, timeout: float) -> str:
        """Hand the mail to the vendor; returns the vendor's message id.

        Raises RateLimited, Unreachable (nothing was accepted), Ambiguous (no answer),
        Unauthorised, Refused.
        """
        ...


AutoReply = Literal["auto_submitted", "bulk", "list", "bounce", "vacation", "own"]


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A message as read. Every field is always there: what a broken message lacks is
    empty. `text` is the whole readable text, `fresh_text` the same without quoted
    earlier mails. `delivered_to` is what mail servers noted on the way. `automatic` says
    why no person wrote it, or is empty."""

    message_id: str
    sender: str
    sender_name: str
    reply_to: str
    to: tuple[str, ...]
    subject: str
    text: str
    fresh_text: str
    delivered_to: tuple[str, ...] = ()
    sent_at: datetime | None = None
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: str = ""
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = field(default=())
