"""Rehearsal: every customer mail goes to the owner instead, and says whom it was for.

Wrapped around the real mailer, outside the gate's reach of any step, so that no procedure
can be written that forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.errors import SettingsInvalid
from engine.mail import Mailer, OutgoingMail
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class RehearsalMailer:
    mailer: Mailer
    address: str

    def prepare(self, timeout: float) -> None:
        self.mailer.prepare(timeout)

    def send(self, mail: OutgoingMail, *, effect_key: str, timeout: float) -> str:
        marked = replace(
            mail,
            to=self.address,
            to_name="",
            subject=f"[rehearsal, for {mail.to}] {mail.subject}",
        )
        return self.mailer.send(marked, effect_key=effect_key, timeout=timeout)


def readdressed(mailer: Mailer, settings: Settings) -> Mailer:
    """The mailer itself, or in rehearsal one that mails nobody but the owner."""
    if settings.mode != "rehearsal":
        return mailer
    if not settings.rehearsal_address:
        raise SettingsInvalid("REHEARSAL_ADDRESS is empty; in rehearsal all mail goes there")
    return RehearsalMailer(mailer, settings.rehearsal_address)
