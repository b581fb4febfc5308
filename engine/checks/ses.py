"""What SES knows of us, judged: the account and the sender's identity; `reports.py` has the rest.

A key that may only send is no fault: what it may not ask is kept in `refused`, and told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from engine.checks import reports
from engine.checks.finding import Finding, fail, miss, ok
from engine.mail.ses_account import Account, NotPermitted, Sender, SesAccount, Topic
from engine.mail.ses_clients import Clients, is_stand_in
from engine.settings import Settings

Known = TypeVar("Known")


class Look:
    """One look at SES; `sender` is known once it was asked for and may be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._region = settings.ses_region
        self._ses = SesAccount(Clients.from_settings(settings))
        self.sender: Sender | None = None
        self.refused: list[str] = []

    def account(self) -> Iterator[Finding]:
        account = self._asked(self._ses.account)
        if account is None:
            return
        wrong = [*_standing(account, self._region), *self._sandbox(account), *self._rate(account)]
        yield from wrong
        if not wrong:
            most = "" if account.per_day < 0 else f" of {account.per_day:.0f}"
            yield ok(
                "mail account",
                f"out of the sandbox; {account.sent:.0f}{most} mails sent in the last 24 hours",
            )

    def identity(self, address: str) -> Iterator[Finding]:
        sender = self.sender = self._asked(lambda: self._ses.sender(address))
        if sender is None:
            return
        wrong = list(_identity(sender, self._region))
        yield from wrong
        if not wrong:
            known = sender.domain or sender.own
            assert known is not None  # noqa: S101 - otherwise something is wrong
            signs = " and signs with DKIM" if known.dkim == "SUCCESS" else ""
            by = f", MAIL FROM {sender.mail_from.mail_from}" if sender.mail_from else ""
            yield ok("mail identity", f"{known.name} is verified{signs}{by}")

    def reports(self) -> Iterator[Finding]:
        name, topic = self._settings.ses_configuration_set, self._settings.sns_topic_arn
        there = self._asked(lambda: (self._ses.configuration_set(name),))
        wrong = list(reports.of_set(there[0], name, topic, self._region)) if there else []
        if heard := self._topic(topic):
            wrong += reports.of_topic(heard[0], topic, self._settings.web_base_url)
        yield from wrong or [ok("mail reports", f"{name} reports to {topic}" if there else topic)]

    def _topic(self, arn: str) -> tuple[Topic | None] | None:
        where = self._settings.sns_endpoint_url
        if is_stand_in(self._settings) and not where:
            return None  # nothing goes out beside a stand-in
        return self._asked(lambda: (self._ses.topic(arn, endpoint_url=where),))

    def _asked(self, question: Callable[[], Known]) -> Known | None:
        try:
            return question()
        except NotPermitted as refusal:
            self.refused += [one for one in refusal.permissions if one not in self.refused]
            return None

    def _sandbox(self, account: Account) -> Iterator[Finding]:
        if account.production:
            return
        told = fail if self._settings.mode == "live" else miss
        next_step = {
            "PENDING": "that is asked for, and AWS has yet to decide",
            "DENIED": "AWS has declined: answer its case in the Support Center",
            "FAILED": "the request failed: make it again, SES → Account dashboard",
        }.get(account.review, "SES → Account dashboard → Request production access")
        yield told(
            "mail account",
            f"is in the sandbox in {self._region}: SES takes mail to verified addresses only,"
            f" {account.per_day:.0f} a day. {next_step}",
        )
        address = self._settings.rehearsal_address
        if self._settings.mode == "rehearsal" and address:
            owner = self._asked(lambda: self._ses.sender(address))
            if owner and not owner.verified:
                yield fail(
                    "rehearsal",
                    f"{address} is not verified, so SES refuses it while in the sandbox:"
                    " SES → Identities → Create identity, type Email address",
                )

    def _rate(self, account: Account) -> Iterator[Finding]:
        ours, most = self._settings.ses_sends_per_second, account.per_second
        if most and ours > most:
            yield miss(
                "mail account",
                f"may send {most:g} a second, and SES_SENDS_PER_SECOND is {ours:g}: SES puts the"
                f" rest off. Set SES_SENDS_PER_SECOND={most:g}",
            )


def _standing(account: Account, region: str) -> Iterator[Finding]:
    if account.standing == "SHUTDOWN":
        yield fail(
            "mail account",
            f"AWS has paused sending in {region} for an issue with our mail: answer its case in"
            " the Support Center",
        )
    elif not account.sending:
        yield fail(
            "mail account",
            f"sending is switched off in {region}: aws sesv2 put-account-sending-attributes"
            f" --sending-enabled --region {region}",
        )
    if account.standing == "PROBATION":
        yield miss(
            "mail account",
            "is under review by AWS, for bounces or complaints as a rule, and may be paused:"
            " answer its case in the Support Center",
        )
    if 0 <= account.per_day <= account.sent:
        yield fail(
            "mail account",
            f"all {account.per_day:.0f} mails of 24 hours are sent, and more wait: Service Quotas"
            " → Amazon SES → Sending quota raises it",
        )


def _identity(sender: Sender, region: str) -> Iterator[Finding]:
    domain = sender.address.rpartition("@")[2]
    create = f"SES → Identities → Create identity, type Domain, {domain}, with Easy DKIM"
    if sender.own is None and sender.domain is None:
        yield fail(
            "mail identity",
            f"SES in {region} knows neither {domain} nor {sender.address}, so it refuses every"
            f" mail: {create}; or mend mail_from in seeds/business.yaml",
        )
        return
    if not sender.verified:
        yield _unverified(sender)
    if sender.domain is None:
        yield miss(
            "mail identity",
            f"only {sender.address} is an identity, so its mails are not signed as {domain} and"
            f" fail DMARC: {create}",
        )
    elif not sender.domain.signs:
        yield _unsigned(sender.domain.name, "")
    elif sender.own and not sender.own.signs:
        yield _unsigned(sender.address, f"; or delete it, for {sender.domain.name} covers it")


def _unsigned(name: str, other_cure: str) -> Finding:
    return miss(
        "mail identity",
        f"{name} does not sign with DKIM: SES → Identities → {name} → DKIM → Edit → DKIM"
        f" signatures: Enabled{other_cure}",
    )


def _unverified(sender: Sender) -> Finding:
    if sender.domain is None:
        cure = "follow the link in the mail that AWS has sent there, or send it again: SES →"
        cure = f"{cure} Identities → {sender.address} → Resend"
        return fail("mail identity", f"{sender.address} is not verified: {cure}")
    name = sender.domain.name
    cure = f"put the DKIM records of SES → Identities → {name} → Authentication into DNS; SES looks"
    cure = f"{cure} for them for 72 hours"
    if sender.domain.verification == "FAILED":
        cure = "SES has given up looking for its DKIM records: put them into DNS, then save DKIM"
        cure = f"{cure} anew at SES → Identities → {name} → DKIM → Edit, and SES looks again"
    return fail("mail identity", f"{name} is not verified: {cure}")
