"""What DNS says of the sender, judged: SPF, DKIM, DMARC; where a record is wrong, the right one.

A mail passes DMARC where DKIM or SPF passes for the sender's own domain. SES' own MAIL FROM
passes SPF, but as amazonses.com: then DKIM is what counts, and no SPF record is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checks.finding import Finding, fail, miss, ok, skip
from engine.mail import dmarc, spf
from engine.mail.dns_records import Records, Silent
from engine.mail.ses_account import Identity, Sender

AGAIN = "SES looks again by itself, for up to 72 hours"


@dataclass
class Ways:
    """By which a mail passes DMARC; `known` where SES has told."""

    known: bool
    dkim: str = ""
    spf: str = ""


def findings(
    records: Records, address: str, sender: Sender | None, region: str
) -> Iterator[Finding]:
    """`sender` is what SES knows of the address, or None where it was not told."""
    ways = Ways(known=sender is not None)
    try:
        if sender is None:
            yield skip("SPF and DKIM", "not looked at, for SES did not tell what it expects")
        else:
            yield from _spf(records, sender, region, ways)
            yield from _dkim(records, sender, ways)
        yield from _dmarc(records, address.rpartition("@")[2], ways)
    except Silent as silent:
        yield skip(
            "DNS",
            f"no answer about {silent.name} ({silent.reason}): check the network, then run this"
            " again",
        )


def _record(name: str, kind: str, value: str) -> str:
    written = f'"{value}"' if kind == "TXT" else value
    return f"add to DNS: {name} {kind} {written}"


# -- SPF ----------------------------------------------------------------------------


def _spf(records: Records, sender: Sender, region: str, ways: Ways) -> Iterator[Finding]:
    identity = sender.mail_from
    if identity is None:
        yield ok(
            "SPF", "SES sends as amazonses.com, which passes; for DMARC it is DKIM that counts"
        )
        return
    name = identity.mail_from
    wrong = [*_mail_exchanger(records, identity, region), *_sender_policy(records, name)]
    yield from wrong
    if not wrong:
        ways.spf = name
        yield ok("SPF", f"{name} lets SES send")


def _mail_exchanger(records: Records, identity: Identity, region: str) -> Iterator[Finding]:
    """Without this very MX record SES does not use the MAIL FROM domain."""
    name, wanted = identity.mail_from, f"feedback-smtp.{region}.amazonses.com"
    found = records.mx(name)
    told, what = (
        (fail, "refuses every mail")
        if identity.refuses_without_mx
        else (miss, "sends as amazonses.com meanwhile")
    )
    if found != [wanted]:
        others = (
            f" and take {', '.join(set(found) - {wanted})} out" if set(found) - {wanted} else ""
        )
        yield told(
            "MAIL FROM",
            f"{name} lacks the one MX record that SES asks for, and SES {what}:"
            f" {_record(name, 'MX', f'10 {wanted}')}{others}",
        )
    elif identity.mail_from_status == "FAILED":
        yield told(
            "MAIL FROM",
            f"the MX record of {name} is there, but SES has given up looking and {what}: SES →"
            f" Identities → {identity.name} → Custom MAIL FROM domain → Edit, and save it again",
        )
    elif identity.mail_from_status != "SUCCESS":
        yield told(
            "MAIL FROM",
            f"the MX record of {name} is there, but SES has not seen it yet and {what}: {AGAIN}",
        )


def _sender_policy(records: Records, name: str) -> Iterator[Finding]:
    match spf.judge(records, name):
        case "none":
            yield miss("SPF", f"{name} has no SPF record: {_record(name, 'TXT', spf.RECORD)}")
        case "several":
            yield miss(
                "SPF",
                f"{name} has several SPF records, so none counts: leave one, TXT"
                f' "{spf.RECORD}" or with your other senders in it',
            )
        case "lacks":
            better = spf.amended(spf.published(records, name)[0])
            yield miss("SPF", f'{name} does not let SES send: change its TXT to "{better}"')
        case "too many":
            better = spf.amended(spf.published(records, name)[0])
            yield miss(
                "SPF",
                f"{name} asks for more than {spf.MOST_LOOKUPS} look-ups before it comes to SES,"
                f' so receivers give up: change its TXT to "{better}"',
            )
        case "passes":
            pass


# -- DKIM ---------------------------------------------------------------------------


def _dkim(records: Records, sender: Sender, ways: Ways) -> Iterator[Finding]:
    domain = sender.domain
    if domain is None:
        return  # told with the identity
    if not domain.tokens:
        cure = f"SES → Identities → {domain.name} → DKIM → Edit, Easy DKIM"
        yield miss("DKIM", f"is not set up for {domain.name}: {cure}")
        return
    lacking = [told for token in domain.tokens if (told := _key(records, domain, token))]
    yield from (miss("DKIM", told) for told in lacking)
    if not lacking:
        yield _seen(domain)
    if sender.signs and domain.dkim == "SUCCESS" and len(lacking) < len(domain.tokens):
        ways.dkim = domain.name


def _seen(domain: Identity) -> Finding:
    count = len(domain.tokens)
    there = f"the {count} records of {domain.name} are in DNS"
    if count == 1:
        there = f"the record of {domain.name} is in DNS"
    if domain.dkim == "SUCCESS":
        return ok("DKIM", f"{there}, and SES has seen them")
    if domain.dkim == "FAILED":
        return miss(
            "DKIM",
            f"{there}, but SES has given up looking: save it anew at SES → Identities →"
            f" {domain.name} → DKIM → Edit, and SES looks again",
        )
    return miss("DKIM", f"{there}, but SES has not seen them yet: {AGAIN}")


def _key(records: Records, domain: Identity, token: str) -> str:
    """Nothing where the record is there: a name that leads to SES, or the key itself, which some
    providers of DNS answer with in its place."""
    name, wanted = f"{token}._domainkey.{domain.name}", f"{token}.{domain.dkim_zone}"
    if domain.own_key:
        if any("p=" in one for one in records.txt(name)):
            return ""
        return f"your own key is not in DNS: {_record(name, 'TXT', 'p=… (your public key)')}"
    leads_to = records.cname(name)
    if leads_to == wanted.lower() or (
        not leads_to and any("p=" in one for one in records.txt(name))
    ):
        return ""
    if records.cname(f"{name}.{domain.name}"):
        return (
            f"a record stands at {name}.{domain.name}: your provider appends the domain by itself;"
            f" name it {token}._domainkey, CNAME {wanted}"
        )
    instead = f" (it leads to {leads_to} now)" if leads_to else ""
    return f"a record is missing: {_record(name, 'CNAME', wanted)}{instead}"


# -- DMARC --------------------------------------------------------------------------


def _dmarc(records: Records, domain: str, ways: Ways) -> Iterator[Finding]:
    policy = dmarc.find(records, domain)
    if policy is None:
        name = f"_dmarc.{domain}"
        yield miss(
            "DMARC",
            f"{domain} has no policy, which Gmail and Yahoo ask senders for:"
            f" {_record(name, 'TXT', dmarc.RECORD)}",
        )
        return
    name = f"_dmarc.{policy.domain}"
    if policy.records > 1:
        yield miss("DMARC", f"{name} has {policy.records} records, so none counts: leave one")
        return
    if not policy.asks:
        yield miss("DMARC", f'{name} does not say p=: begin its TXT with "{dmarc.RECORD}"')
        return
    if not ways.known:
        yield ok("DMARC", f"p={policy.asks} at {name}; whether mails pass it SES did not tell")
        return
    passed = list(_passed(policy, domain, ways))
    if passed:
        yield ok("DMARC", f"p={policy.asks} at {name}; mails pass it by {' and '.join(passed)}")
        return
    yield _fails(policy, domain, ways, name)


def _passed(policy: dmarc.Policy, domain: str, ways: Ways) -> Iterator[str]:
    if ways.dkim and (ways.dkim == domain or not policy.strict_dkim):
        yield "DKIM"
    if ways.spf and (ways.spf == domain or not policy.strict_spf):
        yield "SPF"


def _fails(policy: dmarc.Policy, domain: str, ways: Ways, name: str) -> Finding:
    told = miss if policy.asks == "none" else fail
    then = {
        "none": "which counts against them",
        "quarantine": "so they go to the spam folder",
        "reject": "so they are refused",
    }[policy.asks]
    cure = f"mend the identity and DKIM of {domain}, told above"
    if ways.dkim:
        cure = f"they are signed as {ways.dkim}: take adkim=s out of {name}"
    return told("DMARC", f"p={policy.asks} at {name}, and mails do not pass it, {then}: {cure}")
