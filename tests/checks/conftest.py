"""An office whose SES account, identities and DNS a test writes down as it likes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engine.checks import sending
from engine.mail.dns_records import Records
from engine.postgres import Database
from engine.runtime import Runtime, build_runtime
from tests.serving import serve
from tests.world import settings_for
from web.local import LocalSettings, create_local_app, ses_console
from web.local.world import Fault, World

ADDRESS, DOMAIN, SET = "office@company.example", "company.example", "office"
MAIL_FROM = f"mail.{DOMAIN}"
NOBODY = "postgresql://127.0.0.1:1/nobody"
IDENTITY = ses_console.domain(DOMAIN)
TOKENS: list[str] = IDENTITY["DkimAttributes"]["Tokens"]
FINE = {
    **{
        (f"{token}._domainkey.{DOMAIN}", "CNAME"): [f"{token}.dkim.amazonses.com."]
        for token in TOKENS
    },
    (f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=quarantine; rua=mailto:me@company.example"'],
    (MAIL_FROM, "MX"): ["10 feedback-smtp.us-east-1.amazonses.com."],
    (MAIL_FROM, "TXT"): ['"v=spf1 include:amazonses.com ~all"'],
}
"""What DNS holds where all is well, a MAIL FROM domain included."""


@dataclass
class Office:
    runtime: Runtime
    ses: World

    def set(self, **settings: Any) -> None:
        settings = {name.lower(): value for name, value in settings.items()}
        changed = self.runtime.settings.model_copy(update=settings)
        self.runtime = replace(self.runtime, settings=changed)

    def send_from(self, address: str) -> None:
        sender = self.runtime.business.mail_from.model_copy(update={"address": address})
        business = self.runtime.business.model_copy(update={"mail_from": sender})
        self.runtime = replace(self.runtime, business=business)

    def knows(self, kind: str, key: str, facts: dict[str, Any] | None) -> None:
        """What SES answers from now on."""
        self.ses.put(kind, key, {"facts": facts})

    def identity(self, name: str = DOMAIN, **changed: Any) -> None:
        """SES knows this one, as all is well but for what is given (DkimAttributes in part)."""
        facts = copy.deepcopy(IDENTITY)
        for part, value in changed.items():
            facts[part] = {**facts[part], **value} if isinstance(value, dict) else value
        self.knows("ses_identity", name, facts)

    def with_mail_from(self, **changed: Any) -> None:
        attributes = {"MailFromDomain": MAIL_FROM, "MailFromDomainStatus": "SUCCESS", **changed}
        self.identity(MailFromAttributes=attributes)

    def refuses(self, path: str, code: str, status: int = 403, *, times: int = 9) -> None:
        headers = {"x-amzn-ErrorType": code}
        self.ses.order(Fault("ses", "answer", path, status=status, headers=headers, times=times))

    def may_only_send(self) -> None:
        self.refuses("/v2/email/", "AccessDeniedException")
        body = "<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>"
        self.ses.order(Fault("ses", "answer", "/ses", status=403, body=body, times=9))

    def said(self, records: Records | None = None) -> list[str]:
        """What the command prints of mail, mark and subject in front."""
        found = sending.findings(self.runtime, records)
        return [f"{one.mark.strip()} {one.subject}: {one.text}" for one in found]

    def told(self, subject: str, records: Records | None = None) -> list[str]:
        """What it says of one thing; each with its mark."""
        found = sending.findings(self.runtime, records)
        return [f"{one.mark.strip()}: {one.text}" for one in found if one.subject == subject]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    ses = World(tmp_path / "world.db")
    with serve(create_local_app(ses, LocalSettings(engine_url="http://127.0.0.1:1"))) as url:
        settings = settings_for(NOBODY, url, tmp_path, ses_configuration_set=SET)
        here = Office(build_runtime(settings, Database(NOBODY, size=1)), ses)
        here.send_from(ADDRESS)
        yield here
