"""Whether mail goes out, arrives, and is heard of: what is set, what SES knows, what DNS says."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks import authentication, ses
from engine.checks.finding import Finding, fail, miss, ok, skip
from engine.errors import Unauthorised, VendorError
from engine.mail.dns_records import Records
from engine.mail.ses_clients import is_stand_in
from engine.runtime import Runtime
from engine.settings import Settings


def findings(runtime: Runtime, records: Records | None = None) -> Iterator[Finding]:
    """`records` is DNS to ask instead of this machine's own."""
    settings, address = runtime.settings, runtime.business.mail_from.address
    if lacking := _lacking(settings):
        yield lacking
        yield from _unset_reports(settings)
        return
    to = f"; all of it goes to {settings.rehearsal_address}" if settings.mode == "rehearsal" else ""
    yield ok("mail", f"from {address} by SES in {settings.ses_region}{to}")
    sender = yield from _ses(settings, address)
    if records is None and is_stand_in(settings):
        yield skip("DNS", "not looked at, for SES is a stand-in here (SES_ENDPOINT_URL)")
    else:
        region = settings.ses_region
        yield from authentication.findings(records or Records(), address, sender, region)


def _ses(settings: Settings, address: str) -> Iterator[Finding]:
    """Returns what SES knows of the sender, or None where that could not be found out."""
    look = ses.Look(settings)
    try:
        yield from look.account()
        yield from look.identity(address)
        yield from _unset_reports(settings) or look.reports()
    except Unauthorised as error:
        yield fail(
            "mail account",
            f"SES does not accept the key ({error.detail}): make a new one at IAM → Users →"
            " Security credentials, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    except VendorError as error:
        yield fail(
            "mail account",
            f"SES in {settings.ses_region} could not be asked ({error.detail}): check the network"
            " and SES_REGION, then run this again",
        )
    if look.refused:
        yield skip(
            "mail account",
            "the key may not ask SES everything, which sending does not need; the permissions"
            f" {', '.join(look.refused)} would show the rest (docs/mail.md, 1)",
        )
    return look.sender


def _lacking(settings: Settings) -> Finding | None:
    for name in ("aws_access_key_id", "aws_secret_access_key"):
        if not settings.ses_endpoint_url and not getattr(settings, name).get_secret_value():
            text = f"{name.upper()} is empty: no mail can be sent, unless this machine has a role"
            return miss("mail", f"{text} at AWS that may (docs/mail.md)")
    return None


def _unset_reports(settings: Settings) -> list[Finding]:
    for name in ("ses_configuration_set", "sns_topic_arn"):
        if not getattr(settings, name):
            text = f"{name.upper()} is empty: bounces and complaints are not heard of"
            return [miss("mail reports", f"{text} (docs/mail.md, 2)")]
    return []
