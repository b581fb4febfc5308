"""Who must answer: Slack, Claude, the CRM, the mailbox; each is asked once, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from engine import sops
from engine.checks import sending
from engine.checks.finding import Finding, fail, miss, ok
from engine.crm import Crm
from engine.crm.needs import lacking
from engine.errors import EngineError
from engine.mail.dns_records import Records
from engine.postgres import connect
from engine.runtime import Runtime
from engine.settings import Settings

PATIENCE_SECONDS = 8.0


def findings(runtime: Runtime, records: Records | None = None) -> Iterator[Finding]:
    settings = runtime.settings
    yield _tried(
        "slack",
        bool(settings.slack_bot_token.get_secret_value()),
        "SLACK_BOT_TOKEN is empty: questions can be answered in the web only",
        lambda: runtime.slack.whoami(timeout=PATIENCE_SECONDS).get("team", "connected"),
    )
    claude = bool(settings.anthropic_api_key.get_secret_value())
    yield Finding(
        "ok  " if claude else "MISS",
        "claude",
        f"{settings.model_tier_1}, {settings.model_tier_2}, {settings.model_tier_3}"
        if claude
        else "ANTHROPIC_API_KEY is empty: model steps will fail",
    )
    crm = runtime.crm
    yield _tried(
        "crm",
        crm is not None,
        "CRM_BASE_URL is empty: CRM steps become cards with the fields to copy",
        lambda: _reached(crm, settings),
    )
    yield from _account(runtime)
    yield from _wanted_of_crm(runtime)
    yield from _links(settings)
    yield from sending.findings(runtime, records)
    yield _tried(
        "mailbox",
        bool(settings.imap_host),
        "IMAP_HOST is empty: no mail is fetched (web form and files still work), and nobody"
        " sees whether a customer was written to by hand",
        lambda: _mailbox(settings),
    )


def _links(settings: Settings) -> Iterator[Finding]:
    """Mailbox providers take no link to unsubscribe that is not https."""
    if settings.mode == "live" and not settings.web_base_url.startswith("https://"):
        text = "does not begin with https://: one-click unsubscribing is refused by mail programs"
        yield miss("WEB_BASE_URL", text)


def _reached(crm: Crm | None, settings: Settings) -> str:
    """A read that finds nobody: the address and the key are right."""
    if crm is not None:
        crm.find_customer(email="check@example.com", timeout=PATIENCE_SECONDS)
        if "find_by_key" in crm.capabilities():
            crm.find_by_key("check", timeout=PATIENCE_SECONDS)
    return f"connected ({settings.crm_kind})"


def _account(runtime: Runtime) -> Iterator[Finding]:
    """What an adapter takes for granted of the account, where it can look that up."""
    look = getattr(runtime.crm, "problems", None)
    try:
        found = look(timeout=PATIENCE_SECONDS) if look else []
    except EngineError:
        return  # that it cannot be reached is told above
    for said in found:
        yield miss("crm", said)


def _wanted_of_crm(runtime: Runtime) -> Iterator[Finding]:
    """What active procedures want of the CRM and it does not have."""
    try:
        with connect(runtime.settings.database_url) as conn:
            active = [row["id"] for row in sops.sql.list(conn) if row["status"] == "active"]
            procedures = [sops.procedure(conn, sop_id) for sop_id in active]
    except (psycopg.Error, EngineError):
        return  # the database's own findings tell
    for procedure in procedures:
        steps = [(step.key, step.config) for step in procedure.steps]
        for said in lacking(steps, runtime.crm, runtime.settings):
            yield miss("crm", f"{procedure.sop.slug}, {said}")


def _mailbox(settings: Settings) -> str:
    from engine.mail import mailbox, sent_folder
    from engine.mail.imap_account import Account

    mailbox.from_settings(settings).position()
    looks = settings.sent_folder_check
    sent = sent_folder.name_of(Account.from_settings(settings)) if looks else None
    seen = f"sent mail in {sent}" if sent else "sent mail is not looked at"
    return f"{settings.imap_user} at {settings.imap_host}, {seen}"


def _tried(subject: str, configured: bool, missing: str, attempt: Callable[[], str]) -> Finding:
    if not configured:
        return miss(subject, missing)
    try:
        return ok(subject, attempt())
    except EngineError as error:
        return fail(subject, str(error))
