"""The DMARC policy under which a sender's mail falls.

Looked for at the domain and then at each one above it, as RFC 9989 does: its record at the
organisational domain is found without a list of what registries call public.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.mail.dns_records import Records

RECORD = "v=DMARC1; p=none"
POLICIES = {"none", "quarantine", "reject"}
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Policy:
    """`asks` is empty where the record does not say what is to happen."""

    domain: str
    asks: str
    strict_dkim: bool
    strict_spf: bool
    records: int = 1


def find(records: Records, domain: str) -> Policy | None:
    labels = domain.split(".")[-DEEPEST:]
    for level in range(max(len(labels) - 1, 1)):
        at = ".".join(labels[level:])
        found = [one for one in records.txt(f"_dmarc.{at}") if _is_record(one)]
        if not found:
            continue
        tags = _tags(found[0])
        if tags.get("psd") == "y" and level:
            return None  # the registry's, not the company's
        asks = tags.get("p", "")
        if level and tags.get("sp") in POLICIES:
            asks = tags["sp"]
        return Policy(
            domain=at,
            asks=asks if asks in POLICIES else "",
            strict_dkim=tags.get("adkim") == "s",
            strict_spf=tags.get("aspf") == "s",
            records=len(found),
        )
    return None


def _is_record(text: str) -> bool:
    name, _, value = text.split(";", maxsplit=1)[0].partition("=")
    return (name.strip(), value.strip()) == ("v", "DMARC1")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
