"""A lead on its way to the engine: by the website's form, or as a mail in the mailbox."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, localtime, make_msgid

import httpx

from web.local import LocalSettings
from web.local.engine_calls import engine

FIELDS = ("name", "email", "phone", "address", "city", "service", "message")
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Said:
    """What became of it, for the page."""

    ok: bool
    words: str


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of X-Engine-Signature."""
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def post_lead(settings: LocalSettings, form: Mapping[str, str]) -> Said:
    """Post it as the website does: JSON, an id of its own, signed."""
    lead = {name: form.get(name, "").strip() for name in FIELDS}
    body = json.dumps({"id": str(uuid.uuid4()), **lead}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Engine-Signature": signature(settings.webhook_secret, int(time.time()), body),
    }
    url = f"{settings.engine_url.rstrip('/')}/webhooks/leads"
    try:
        reply = engine().post(url, content=body, headers=headers, timeout=SECONDS)
    except httpx.HTTPError as error:
        return Said(False, f"The engine at {settings.engine_url} did not answer: {error}")
    return Said(reply.is_success, f"The engine answered {reply.status_code}: {reply.text[:500]}")


def drop_mail(settings: LocalSettings, form: Mapping[str, str]) -> Said:
    mail = EmailMessage()
    mail["From"] = formataddr((_line(form, "name"), _line(form, "email")))
    mail["To"] = _line(form, "to") or "office@local.example"
    mail["Subject"] = _line(form, "subject")
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = make_msgid(domain="customer.example")
    mail.set_content(form.get("text", "").replace("\r\n", "\n"))
    return drop_raw(settings, mail.as_bytes())


def drop_raw(settings: LocalSettings, raw: bytes) -> Said:
    from web.local import imap

    if not settings.maildir:
        return Said(False, "These stand-ins were started without a mailbox (--maildir).")
    imap.drop(settings.maildir, raw)
    return Said(True, "It lies in the mailbox; the engine finds it when it next looks.")


def _line(form: Mapping[str, str], name: str) -> str:
    return " ".join(form.get(name, "").split())
