"""`bin/engine check` tells which record of SPF, DKIM or DMARC is missing, asked of a real
nameserver; and whether mails pass DMARC."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import dns.rcode
import pytest

from tests.checks.conftest import ADDRESS, DOMAIN, FINE, MAIL_FROM, TOKENS, Office
from tests.checks.nameserver import Zone, nameserver, silence

DMARC = f"_dmarc.{DOMAIN}"
KEYS = [f"{token}._domainkey.{DOMAIN}" for token in TOKENS]
SES_SPF = '"v=spf1 include:amazonses.com ~all"'
SHORT = {"mx": (MAIL_FROM, "MX"), "dmarc": (DMARC, "TXT")}
MX = "feedback-smtp.us-east-1.amazonses.com"


def told(office: Office, subject: str, **changed: list[str] | None) -> list[str]:
    """The same by the record's name in short."""
    return _told(office, subject, {SHORT[one]: it for one, it in changed.items()})


def _told(office: Office, subject: str, changed: dict[tuple[str, str], Any]) -> list[str]:
    """What is said with this in DNS instead of what is fine; None is not there."""
    zone: Zone = {key: it for key, it in {**FINE, **changed}.items() if it is not None}
    with nameserver(zone) as records:
        return office.told(subject, records)


def test_all_is_well(office: Office) -> None:
    office.with_mail_from()
    with nameserver(FINE) as records:
        assert office.said(records)[-3:] == [
            f"ok SPF: {MAIL_FROM} lets SES send",
            f"ok DKIM: the 3 records of {DOMAIN} are in DNS, and SES has seen them",
            f"ok DMARC: p=quarantine at {DMARC}; mails pass it by DKIM and SPF",
        ]


def test_without_a_mail_from_domain_no_spf_is_asked_for(office: Office) -> None:
    with nameserver({key: it for key, it in FINE.items() if key[0] != MAIL_FROM}) as records:
        assert office.said(records)[-3:] == [
            "ok SPF: SES sends as amazonses.com, which passes; for DMARC it is DKIM that counts",
            f"ok DKIM: the 3 records of {DOMAIN} are in DNS, and SES has seen them",
            f"ok DMARC: p=quarantine at {DMARC}; mails pass it by DKIM",
        ]


# -- SPF ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (None, f"{MAIL_FROM} has no SPF record: add to DNS: {MAIL_FROM} TXT {SES_SPF}"),
        (['"some other text"', '"v=spf10 mx"'], f"add to DNS: {MAIL_FROM} TXT {SES_SPF}"),
        ([SES_SPF, '"v=spf1 mx -all"'], f"so none counts: leave one, TXT {SES_SPF}"),
        (['"v=spf1 mx -all"'], 'change its TXT to "v=spf1 include:amazonses.com mx -all"'),
        (['"v=spf1 -all include:amazonses.com"'], "does not let SES send"),
        (['"v=spf1 ?include:amazonses.com ~all"'], "does not let SES send"),
        (['"v=spf1 exists:%{i}.x.example include:%{d}.x.example ~all"'], "does not let SES send"),
        ([f'"v=spf1{" a" * 10} include:amazonses.com"'], "more than 10 look-ups"),
        (['"v=spf1 include:loop.example ~all"'], "more than 10 look-ups"),
    ],
)
def test_an_spf_record_that_does_not_do(
    office: Office, records: list[str] | None, said: str
) -> None:
    office.with_mail_from()
    loop = {("loop.example", "TXT"): ['"v=spf1 include:loop.example ~all"']}
    (line,) = _told(office, "SPF", {(MAIL_FROM, "TXT"): records, **loop})
    assert line.startswith("MISS: ")
    assert said in line


@pytest.mark.parametrize(
    "record",
    [
        '"V=SPF1 Include:AmazonSES.com ~all"',
        '"v=spf1 mx +include:amazonses.com. -all"',
        '"v=spf1 mx include:amazon" "ses.com ~all"',
        '"v=spf1 include:all.example ~all"',
        '"v=spf1 redirect=all.example"',
        f'"v=spf1{" a" * 9} include:amazonses.com ~all"',
    ],
)
def test_an_spf_record_that_does(office: Office, record: str) -> None:
    office.with_mail_from()
    elsewhere = {("all.example", "TXT"): ['"v=spf1 include:amazonses.com ~all"']}
    lines = _told(office, "SPF", {(MAIL_FROM, "TXT"): [record], **elsewhere})
    assert lines == [f"ok: {MAIL_FROM} lets SES send"]


# -- the MAIL FROM domain -----------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "mark", "then"),
    [
        ("USE_DEFAULT_VALUE", "MISS", "SES sends as amazonses.com meanwhile"),
        ("REJECT_MESSAGE", "FAIL", "SES refuses every mail"),
    ],
)
def test_a_mail_from_domain_without_its_mx(
    office: Office, behaviour: str, mark: str, then: str
) -> None:
    office.with_mail_from(MailFromDomainStatus="PENDING", BehaviorOnMxFailure=behaviour)
    assert told(office, "MAIL FROM", mx=None) == [
        f"{mark}: {MAIL_FROM} lacks the one MX record that SES asks for, and {then}:"
        f" add to DNS: {MAIL_FROM} MX 10 {MX}"
    ]
    (line,) = told(office, "DMARC", mx=None)
    assert line.endswith("mails pass it by DKIM")


def test_another_mx_beside_it_is_to_go(office: Office) -> None:
    office.with_mail_from()
    (line,) = told(office, "MAIL FROM", mx=[f"10 {MX}.", "20 mx.other.example."])
    assert line.endswith(f"add to DNS: {MAIL_FROM} MX 10 {MX} and take mx.other.example out")


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("PENDING", "has not seen it yet and sends as amazonses.com meanwhile: SES looks again"),
        ("FAILED", "→ company.example → Custom MAIL FROM domain → Edit, and save it again"),
    ],
)
def test_an_mx_that_ses_has_not_seen(office: Office, status: str, cure: str) -> None:
    office.with_mail_from(MailFromDomainStatus=status)
    (line,) = told(office, "MAIL FROM")
    assert line.startswith(f"MISS: the MX record of {MAIL_FROM} is there")
    assert cure in line


# -- DKIM ---------------------------------------------------------------------------


def test_each_missing_key_is_a_line_with_its_record(office: Office) -> None:
    gone = {(name, "CNAME"): None for name in KEYS[1:]}
    assert _told(office, "DKIM", gone) == [
        f"MISS: a record is missing: add to DNS: {KEYS[n]} CNAME {TOKENS[n]}.dkim.amazonses.com"
        for n in (1, 2)
    ]


def test_a_key_that_leads_elsewhere(office: Office) -> None:
    (line,) = _told(office, "DKIM", {(KEYS[0], "CNAME"): ["old.dkim.amazonses.com."]})
    assert line.endswith(f"{TOKENS[0]}.dkim.amazonses.com (it leads to old.dkim.amazonses.com now)")


def test_a_key_under_a_doubled_name(office: Office) -> None:
    """What a provider makes of a name given whole that it appends the domain to."""
    doubled = {(f"{KEYS[0]}.{DOMAIN}", "CNAME"): [f"{TOKENS[0]}.dkim.amazonses.com."]}
    (line,) = _told(office, "DKIM", {(KEYS[0], "CNAME"): None, **doubled})
    assert line == (
        f"MISS: a record stands at {KEYS[0]}.{DOMAIN}: your provider appends the domain by itself;"
        f" name it {TOKENS[0]}._domainkey, CNAME {TOKENS[0]}.dkim.amazonses.com"
    )


def test_a_provider_that_answers_with_the_key_itself(office: Office) -> None:
    flat = {(KEYS[0], "CNAME"): None, (KEYS[0], "TXT"): ['"v=DKIM1; p=MIG"']}
    (line,) = _told(office, "DKIM", flat)
    assert line.startswith("ok: the 3 records")


def test_a_region_whose_keys_stand_elsewhere(office: Office) -> None:
    zone = "abc.dkim.af-south-1.amazonses.com"
    office.identity(DkimAttributes={"SigningHostedZone": zone})
    lines = told(office, "DKIM")
    assert [line.partition(" (")[0] for line in lines] == [
        f"MISS: a record is missing: add to DNS: {KEYS[n]} CNAME {TOKENS[n]}.{zone}"
        for n in range(3)
    ]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (True, "ok: the record of company.example is in DNS, and SES has seen them"),
        (False, "MISS: your own key is not in DNS: add to DNS: s1._domainkey.company.example TXT"),
    ],
)
def test_a_key_of_ones_own(office: Office, there: bool, said: str) -> None:
    office.identity(DkimAttributes={"SigningAttributesOrigin": "EXTERNAL", "Tokens": ["s1"]})
    found = ['"v=DKIM1; k=rsa; p=MIG"'] if there else None
    (line,) = _told(office, "DKIM", {(f"s1._domainkey.{DOMAIN}", "TXT"): found})
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("PENDING", "SES has not seen them yet: SES looks again by itself, for up to 72 hours"),
        ("TEMPORARY_FAILURE", "SES looks again by itself"),
        ("FAILED", "save it anew at SES → Identities → company.example → DKIM → Edit"),
    ],
)
def test_keys_that_ses_has_not_seen(office: Office, status: str, cure: str) -> None:
    office.identity(DkimAttributes={"Status": status})
    (line,) = told(office, "DKIM")
    assert line.startswith(f"MISS: the 3 records of {DOMAIN} are in DNS, but SES has ")
    assert cure in line


def test_a_domain_without_dkim(office: Office) -> None:
    office.identity(DkimAttributes={"Status": "NOT_STARTED", "Tokens": []})
    assert told(office, "DKIM") == [
        f"MISS: is not set up for {DOMAIN}: SES → Identities → {DOMAIN} → DKIM → Edit, Easy DKIM"
    ]


# -- DMARC --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (None, f'add to DNS: {DMARC} TXT "v=DMARC1; p=none"'),
        (['"v=DMARC2; p=none"'], f'add to DNS: {DMARC} TXT "v=DMARC1; p=none"'),
        (
            ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'],
            "has 2 records, so none counts: leave one",
        ),
        (['"v=DMARC1; rua=mailto:x@y.example"'], 'begin its TXT with "v=DMARC1; p=none"'),
        (['"v=DMARC1; p=maybe"'], 'begin its TXT with "v=DMARC1; p=none"'),
    ],
)
def test_a_policy_that_does_not_do(office: Office, records: list[str] | None, said: str) -> None:
    (line,) = told(office, "DMARC", dmarc=records)
    assert line.startswith("MISS: ")
    assert line.endswith(said)


def test_the_policy_of_the_domain_above_counts(office: Office) -> None:
    office.send_from(f"office@news.{DOMAIN}")
    office.knows("ses_identity", f"news.{DOMAIN}", None)
    (line,) = told(office, "DMARC", dmarc=['"v=DMARC1; p=none; sp=reject"'])
    assert line == f"ok: p=reject at {DMARC}; mails pass it by DKIM"


def test_a_registrys_policy_is_not_the_companys(office: Office) -> None:
    office.send_from(f"office@shop.{DOMAIN}")
    (line,) = told(office, "DMARC", dmarc=['"v=DMARC1; p=reject; psd=y"'])
    assert line.endswith(f'add to DNS: _dmarc.shop.{DOMAIN} TXT "v=DMARC1; p=none"')


@pytest.mark.parametrize(
    ("policy", "mark", "then"),
    [
        ("none", "MISS", "which counts against them"),
        ("quarantine", "FAIL", "so they go to the spam folder"),
        ("reject", "FAIL", "so they are refused"),
    ],
)
def test_mails_that_do_not_pass(office: Office, policy: str, mark: str, then: str) -> None:
    office.identity(DkimAttributes={"Status": "PENDING"})
    (line,) = told(office, "DMARC", dmarc=[f'"v=DMARC1; p={policy}"'])
    assert line == (
        f"{mark}: p={policy} at {DMARC}, and mails do not pass it, {then}: mend the identity and"
        f" DKIM of {DOMAIN}, told above"
    )


def test_an_address_alone_fails_dmarc(office: Office) -> None:
    office.knows("ses_identity", DOMAIN, None)
    office.identity(ADDRESS)
    (line,) = told(office, "DMARC")
    assert line.startswith("FAIL: p=quarantine")


def test_a_strict_policy_asks_for_the_very_domain(office: Office) -> None:
    office.send_from(f"office@news.{DOMAIN}")
    office.knows("ses_identity", f"news.{DOMAIN}", None)
    (line,) = told(office, "DMARC", dmarc=['"v=DMARC1; p=reject; adkim=s"'])
    assert line.startswith("FAIL: ")
    assert line.endswith(f"they are signed as {DOMAIN}: take adkim=s out of {DMARC}")


def test_a_strict_policy_does_not_take_a_mail_from_domain(office: Office) -> None:
    office.with_mail_from()
    (line,) = told(office, "DMARC", dmarc=['"v=DMARC1; p=reject; aspf=s"'])
    assert line.endswith("mails pass it by DKIM")


# -- who does not answer ------------------------------------------------------------


def test_a_resolver_that_is_silent_is_one_line_within_seconds(office: Office) -> None:
    office.with_mail_from()
    began = time.monotonic()
    with silence(seconds=1.0) as records:
        said = office.said(records)
    assert time.monotonic() - began < 5
    assert said[-1] == (
        f"SKIP DNS: no answer about {MAIL_FROM} (no answer in time): check the network, then run"
        " this again"
    )
    assert said[-2].startswith("ok mail reports")


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_resolver_that_refuses_says_nothing_of_records(
    office: Office, rcode: dns.rcode.Rcode
) -> None:
    with nameserver(FINE, rcode=rcode) as records:
        (line,) = office.told("DNS", records)
        assert not office.told("DKIM", records)
    assert line.startswith(f"SKIP: no answer about {KEYS[0]} (the resolver refuses")


def test_with_a_key_that_may_only_send_the_policy_is_told_all_the_same(office: Office) -> None:
    office.may_only_send()
    with nameserver(FINE) as records:
        assert office.said(records)[-2:] == [
            "SKIP SPF and DKIM: not looked at, for SES did not tell what it expects",
            f"ok DMARC: p=quarantine at {DMARC}; whether mails pass it SES did not tell",
        ]


def test_no_other_command_pays_for_dns() -> None:
    code = "import sys, engine.cli, engine.worker, web; sys.exit('dns' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
