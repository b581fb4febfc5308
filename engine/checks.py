"""`bin/engine check`: what is configured, what is missing, and the line that cures it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from engine import hash_keys, settings_file, sops
from engine.crm import Crm
from engine.crm.needs import lacking
from engine.errors import EngineError, HashKeyUnknown, SettingsInvalid
from engine.postgres import Database, connect, migrations
from engine.runtime import Runtime, build_runtime
from engine.settings import Settings

PATIENCE_SECONDS = 8.0
# A newcomer gives `check` beside a demo, whose stand-ins are settings of its own processes.
DEMO = "what follows is about a `web` and `worker` of your own; `bin/engine demo` needs none of it"


@dataclass(frozen=True, slots=True)
class Finding:
    """`mark` is ok, or the word for what is wrong; `blocking` where work cannot begin."""

    mark: str
    subject: str
    text: str
    blocking: bool = False


def run(settings: Settings) -> Iterator[Finding]:
    """Everything from the database to the vendors, one finding each."""
    whose = f": {DEMO}" if settings.mode == "demo" else ""
    yield Finding("ok  ", "mode", f"{settings.mode}{whose}")
    yield from _misspelt()
    yield from _database(settings)
    yield from _secrets(settings)
    yield from _stand_ins(settings)
    database = Database(settings.database_url, size=1)
    try:
        runtime = build_runtime(settings, database)
    except SettingsInvalid as error:
        yield Finding("FAIL", "settings", error.detail, blocking=True)
        return
    except EngineError as error:
        yield Finding("FAIL", "company", str(error), blocking=True)
        return
    yield Finding("ok  ", "company", runtime.business.name)
    yield from _vendors(runtime)


def _misspelt() -> Iterator[Finding]:
    given = {*os.environ, *settings_file.names(Path(settings_file.NAME))}
    for name, meant in settings_file.misspelt(given, _setting_names()):
        yield Finding("MISS", name, f"is no setting, and is not read; {meant} is one")


def _setting_names() -> frozenset[str]:
    """As they stand in the environment."""
    fields = Settings.model_fields.items()
    return frozenset(str(field.validation_alias or name).upper() for name, field in fields)


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with psycopg.connect(settings.database_url, autocommit=True, connect_timeout=5) as conn:
            version = conn.info.server_version // 10000
            migrations.verify(conn)
            people = conn.execute(
                "select count(*) from users where disabled_at is null and role = 'admin'"
            ).fetchone()
            procedures = conn.execute(
                "select count(*) from sops where status = 'active'"
            ).fetchone()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        yield Finding("FAIL", "database", f"{reason}; check DATABASE_URL", blocking=True)
        return
    except EngineError as error:
        yield Finding("FAIL", "schema", str(error), blocking=True)
        return
    if version < 15:
        yield Finding(
            "FAIL", "database", f"PostgreSQL {version}; 15 or later is needed", blocking=True
        )
    yield Finding("ok  ", "database", f"PostgreSQL {version}, schema up to date")
    if not procedures or not procedures[0]:
        yield Finding("FAIL", "procedures", "none is active; run: bin/engine seed", blocking=True)
    if not people or not people[0]:
        yield Finding(
            "MISS", "people", "nobody can sign in; run: bin/engine user add you@example.com"
        )


def _secrets(settings: Settings) -> Iterator[Finding]:
    if min(map(len, settings.secret_keys)) < 32:
        yield Finding("FAIL", "SECRET_KEY", "is shorter than 32 characters", blocking=True)
    try:
        with connect(settings.database_url) as conn:
            known = hash_keys.fits(conn, settings)
    except psycopg.Error:
        known = True  # said under "database"
    if not known:
        yield Finding("FAIL", "SECRET_KEY", str(HashKeyUnknown()), blocking=True)
    if not settings.webhook_secret.get_secret_value():
        yield Finding("MISS", "WEBHOOK_SECRET", "empty: web forms are refused")
    if not settings.slack_signing_secret.get_secret_value():
        yield Finding("MISS", "SLACK_SIGNING_SECRET", "empty: clicks in Slack are refused")


def _stand_ins(settings: Settings) -> Iterator[Finding]:
    """Live mode refuses the vendors' stand-ins."""
    for name in settings.stand_ins() if settings.mode == "live" else ():
        yield Finding("FAIL", name, "is a stand-in; live mode refuses it", blocking=True)


def _vendors(runtime: Runtime) -> Iterator[Finding]:
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
    yield _mail(runtime)
    yield _reports(settings)
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
        yield Finding("MISS", "WEB_BASE_URL", text)


def _mail(runtime: Runtime) -> Finding:
    """Whether anything can be sent. What SES knows of the domain is not asked: its key may do
    nothing but send."""
    settings = runtime.settings
    for name in ("aws_access_key_id", "aws_secret_access_key"):
        if not settings.ses_endpoint_url and not getattr(settings, name).get_secret_value():
            text = f"{name.upper()} is empty: no mail can be sent, unless this machine has a role"
            return Finding("MISS", "mail", f"{text} at AWS that may (docs/mail.md)")
    to = f"; all of it goes to {settings.rehearsal_address}" if settings.mode == "rehearsal" else ""
    sender = runtime.business.mail_from.address
    return Finding("ok  ", "mail", f"from {sender} by SES in {settings.ses_region}{to}")


def _reports(settings: Settings) -> Finding:
    """Whether it is heard what becomes of a mail."""
    for name in ("ses_configuration_set", "sns_topic_arn"):
        if not getattr(settings, name):
            text = f"{name.upper()} is empty: bounces and complaints are not heard of"
            return Finding("MISS", "mail reports", f"{text} (docs/mail.md)")
    return Finding("ok  ", "mail reports", settings.sns_topic_arn)


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
        yield Finding("MISS", "crm", said)


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
            yield Finding("MISS", "crm", f"{procedure.sop.slug}, {said}")


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
        return Finding("MISS", subject, missing)
    try:
        return Finding("ok  ", subject, attempt())
    except EngineError as error:
        return Finding("FAIL", subject, str(error))
