"""Whether a domain's SPF record lets SES send (RFC 7208), read as a receiver reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.mail.dns_records import Records

SES = "amazonses.com"
RECORD = f"v=spf1 include:{SES} ~all"
MOST_LOOKUPS = 10
LOOKED_UP = {"include", "a", "mx", "ptr", "exists"}

Verdict = Literal["passes", "none", "several", "lacks", "too many"]


def published(records: Records, domain: str) -> list[str]:
    """What begins otherwise is no SPF record, whatever else stands in it."""
    return [one for one in records.txt(domain) if one.lower().split(" ")[0] == "v=spf1"]


def judge(records: Records, domain: str) -> Verdict:
    found = published(records, domain)
    if not found:
        return "none"
    if len(found) > 1:
        return "several"
    return _Reading(records).verdict(found[0])


def amended(record: str) -> str:
    """The record with SES in it, in front: what comes first is found within the ten look-ups."""
    return " ".join([record.split(maxsplit=1)[0], f"include:{SES}", *record.split()[1:]])


class _Reading:
    """Counts the look-ups: after ten a receiver gives up, and the record is an error."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lookups = 0

    def verdict(self, record: str) -> Verdict:
        if self._reaches(record.lower().split()[1:]):
            return "passes"
        return "too many" if self._lookups > MOST_LOOKUPS else "lacks"

    def _reaches(self, terms: Sequence[str]) -> bool:
        redirect = ""
        for term in terms:
            # Behind another sign than + the match is no pass.
            name, _, value = term.removeprefix("+").partition(":")
            bare = name.lstrip("-~?").partition("/")[0]
            if bare == "all":
                return False
            if bare in LOOKED_UP:
                self._lookups += 1
            if self._lookups > MOST_LOOKUPS:
                return False
            if name == "include" and self._leads(value):
                return True
            if name.startswith("redirect="):
                redirect = name.removeprefix("redirect=")
        if not redirect:
            return False
        self._lookups += 1
        return self._lookups <= MOST_LOOKUPS and self._leads(redirect)

    def _leads(self, domain: str) -> bool:
        if domain.rstrip(".") == SES:
            return True
        if "%" in domain:  # a macro: what it becomes depends on the mail
            return False
        found = published(self._records, domain)
        return len(found) == 1 and self._reaches(found[0].lower().split()[1:])
