"""A HubSpot contact as a customer, and back.

Name, e-mail, phone, address and city are HubSpot's own properties. It has none for what a
company does in a season, so the owner makes some and names them in `HUBSPOT_PROPERTIES`:
`services=our_services,signed_seasons=our_seasons`. A field without a property cannot be
written, which is refused by name, so that nothing is lost in silence; read, it is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from engine.crm import Customer
from engine.crm.calls import VENDOR, word
from engine.errors import Refused, SettingsInvalid

OWN = ("firstname", "lastname", "email", "phone", "address", "city", "hs_email_optout")
PLAIN = ("email", "phone", "address", "city")
MAPPED = (
    "status", "services", "signed_seasons", "last_service_at", "quoted_at", "opted_out",
    "source", "notes", "key",
)  # fmt: skip
LISTS = frozenset({"services", "signed_seasons"})


@dataclass(frozen=True, slots=True)
class Properties:
    """Which of the portal's properties stands for which of our fields."""

    names: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Properties:
        names = dict(_pairs(text))
        if len(set(names.values())) < len(names):
            raise SettingsInvalid("HUBSPOT_PROPERTIES names one property for two fields")
        return cls(names)

    def read(self) -> list[str]:
        """What to ask HubSpot for: it tells only what it is asked."""
        return [*OWN, *(name for field, name in self.names.items() if field != "key")]

    def name(self, field: str) -> str:
        found = self.names.get(field)
        if found is None:
            raise Refused(VENDOR, f"unsupported: {field}")
        return found

    def to_send(self, fields: Mapping[str, Any]) -> dict[str, str]:
        sent: dict[str, str] = {}
        for field, value in fields.items():
            if field == "name":
                first, _, last = str(value or "").strip().partition(" ")
                sent |= {"firstname": first, "lastname": last.strip()}
            elif field in PLAIN:
                sent[field] = str(value or "").strip()
            elif field in self.names:
                sent[self.names[field]] = _written(field, value)
            else:
                raise Refused(VENDOR, f"unknown_field: {word(field)}")
        return sent

    def customer(self, contact_id: str, found: Mapping[str, str | None]) -> Customer:
        def said(field: str) -> str:
            return (found.get(self.names.get(field, "")) or "").strip()

        name = f"{found.get('firstname') or ''} {found.get('lastname') or ''}"
        return Customer(
            id=contact_id,
            name=" ".join(name.split()),
            **{field: found.get(field) or "" for field in PLAIN},
            status=said("status"),
            services=_words(said("services")),
            signed_seasons=_words(said("signed_seasons")),
            last_service_at=_day(said("last_service_at")),
            quoted_at=_moment(said("quoted_at")),
            opted_out="true" in (said("opted_out"), found.get("hs_email_optout")),
        )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, (one.strip() for one in text.split(","))):
        field, _, name = (side.strip() for side in pair.partition("="))
        if field not in MAPPED or not word(name):
            raise SettingsInvalid(
                f"HUBSPOT_PROPERTIES: {pair!r} is not FIELD=property; the fields are:"
                f" {', '.join(MAPPED)}"
            )
        yield field, name


def _written(field: str, value: Any) -> str:
    if value is None:
        return ""
    if field in LISTS:
        return ";".join([value] if isinstance(value, str) else value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _words(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(";") if one.strip())


def _day(text: str) -> date | None:
    moment = _moment(text)
    return moment.date() if moment else None


def _moment(text: str) -> datetime | None:
    """As HubSpot writes it today, or in milliseconds as it once did."""
    if not text:
        return None
    try:
        if text.lstrip("-").isdecimal():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise Refused(VENDOR, "bad_reply: properties") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
