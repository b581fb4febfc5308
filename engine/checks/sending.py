"""Whether mail goes out, and whether it is heard what becomes of it."""

from __future__ import annotations

from engine.checks.finding import Finding, miss, ok
from engine.runtime import Runtime
from engine.settings import Settings


def mail(runtime: Runtime) -> Finding:
    """Whether anything can be sent. What SES knows of the domain is not asked: its key may do
    nothing but send."""
    settings = runtime.settings
    for name in ("aws_access_key_id", "aws_secret_access_key"):
        if not settings.ses_endpoint_url and not getattr(settings, name).get_secret_value():
            text = f"{name.upper()} is empty: no mail can be sent, unless this machine has a role"
            return miss("mail", f"{text} at AWS that may (docs/mail.md)")
    to = f"; all of it goes to {settings.rehearsal_address}" if settings.mode == "rehearsal" else ""
    sender = runtime.business.mail_from.address
    return ok("mail", f"from {sender} by SES in {settings.ses_region}{to}")


def reports(settings: Settings) -> Finding:
    """Whether it is heard what becomes of a mail."""
    for name in ("ses_configuration_set", "sns_topic_arn"):
        if not getattr(settings, name):
            text = f"{name.upper()} is empty: bounces and complaints are not heard of"
            return miss("mail reports", f"{text} (docs/mail.md)")
    return ok("mail reports", settings.sns_topic_arn)
