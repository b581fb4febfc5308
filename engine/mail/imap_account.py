"""A mailbox's account on an IMAP server: connected over checked TLS, signed in, left again.

What goes wrong there becomes one of the engine's own errors here, by a code and never by the
server's words: those quote addresses.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from imap_tools import errors as imap
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxUnencrypted

from engine.errors import Refused, Unauthorised, Unreachable, VendorError
from engine.settings import Settings

TRY_LATER = re.compile(
    rb"\[(UNAVAILABLE|INUSE|LIMIT|OVERQUOTA|SERVERBUG)\]|too many", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Account:
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool = True
    timeout: float = 20.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Account:
        return cls(
            settings.imap_host,
            settings.imap_port,
            settings.imap_user,
            settings.imap_password.get_secret_value(),
            tls=settings.imap_tls,
            timeout=settings.mail_timeout_seconds,
        )

    @contextmanager
    def opened(self) -> Iterator[BaseMailBox]:
        """Signed in for as long as the caller needs it."""
        with translated():
            box = self.signed_in()
            try:
                yield box
            finally:
                leave(box)

    def signed_in(self) -> BaseMailBox:
        """For whoever leaves it by themselves, and calls this in `translated`."""
        box = self._connected()
        try:
            self._sign_in(box)
        except BaseException:
            leave(box)
            raise
        return box

    def _connected(self) -> BaseMailBox:
        if not self.tls:
            return MailBoxUnencrypted(self.host, self.port, timeout=self.timeout)
        # The standard library's default for IMAP verifies no certificate.
        context = ssl.create_default_context()
        return MailBox(self.host, self.port, timeout=self.timeout, ssl_context=context)

    def _sign_in(self, box: BaseMailBox) -> None:
        login = box.login if (self.user + self.password).isascii() else box.login_utf8
        try:
            login(self.user, self.password, initial_folder=None)
        except imap.MailboxLoginError as error:
            raise _login_failure(b" ".join(filter(None, error.command_result[1]))) from None
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise _login_failure(str(error).encode()) from None


def select(box: BaseMailBox, folder: str) -> int:
    """Open a folder for reading alone; returns the server's UIDVALIDITY."""
    box.folder.set(folder, readonly=True)
    _, values = box.client.response("UIDVALIDITY")
    return int(values[0]) if values and values[0] else 0


def leave(box: BaseMailBox) -> None:
    try:
        box.client.logout()
    except (OSError, imaplib.IMAP4.error):
        box.client.shutdown()


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except VendorError:
        raise
    except imap.MailboxFolderSelectError:
        raise Refused("imap", "folder_missing") from None
    except (imap.ImapToolsError, imaplib.IMAP4.error) as error:
        raise Unreachable("imap", type(error).__name__) from None
    except ssl.SSLCertVerificationError:
        raise Unreachable("imap", "certificate_refused") from None
    except OSError as error:
        raise Unreachable("imap", type(error).__name__) from None


def _login_failure(answer: bytes) -> VendorError:
    if TRY_LATER.search(answer):
        return Unreachable("imap", "login_later")
    return Unauthorised("imap", "login_refused")
