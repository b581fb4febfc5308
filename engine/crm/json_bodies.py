"""The bodies of the JSON contract, read with tolerance where it costs nothing.

Unknown fields are ignored, missing and null ones are empty, an id may be a number. A
value of the wrong kind is an error: a guess about a customer is worse than a stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.crm import Customer, Interaction, Invoice

MOST_DIGITS = 12


def _text(value: object) -> object:
    return "" if value is None else value


def _id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _day(value: object) -> object:
    """Some systems keep a moment where a day is meant."""
    return value[:10] if isinstance(value, str) and len(value) > 10 else value or None


def _words(value: object) -> object:
    return () if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_id), Field(min_length=1)]
Day = Annotated[date | None, BeforeValidator(_day)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class CustomerBody(Body):
    id: Id
    name: Text = ""
    email: Text = ""
    phone: Text = ""
    address: Text = ""
    city: Text = ""
    status: Text = ""
    services: Words = ()
    last_service_at: Day = None
    signed_seasons: Words = ()
    opted_out: Annotated[bool, BeforeValidator(lambda value: value or False)] = False
    quoted_at: Annotated[datetime | None, BeforeValidator(lambda value: value or None)] = None

    def customer(self) -> Customer:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        if self.quoted_at is not None and self.quoted_at.tzinfo is None:
            fields["quoted_at"] = self.quoted_at.replace(tzinfo=UTC)
        return Customer(**fields)


class InvoiceBody(Body):
    id: Id
    customer_id: Id
    number: Annotated[str, BeforeValidator(_id)]
    amount: Annotated[Decimal, Field(ge=0, max_digits=MOST_DIGITS)]
    currency: Text = "USD"
    due_on: Annotated[date, BeforeValidator(_day)]
    paid: bool = False

    def invoice(self) -> Invoice:
        return Invoice(**{name: getattr(self, name) for name in type(self).model_fields})


class InteractionBody(Body):
    kind: Text = ""
    summary: Text = ""
    at: Annotated[datetime | None, BeforeValidator(lambda value: value or None)] = None

    def interaction(self) -> Interaction:
        at = self.at.replace(tzinfo=UTC) if self.at and self.at.tzinfo is None else self.at
        return Interaction(kind=self.kind, summary=self.summary, at=at)


class Meta(Body):
    total: int
    page: int
    per_page: int = Field(ge=1)


class Made(Body):
    """What a write made: only its id is of interest."""

    id: Id


class CustomerReply(Body):
    data: CustomerBody


class CustomerPage(Body):
    data: tuple[CustomerBody, ...]
    meta: Meta


class InvoiceReply(Body):
    data: InvoiceBody


class InvoicePage(Body):
    data: tuple[InvoiceBody, ...]
    meta: Meta


class InteractionPage(Body):
    data: tuple[InteractionBody, ...]


class MadeReply(Body):
    data: Made


def fields_to_send(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: dates and amounts as strings, tuples as lists."""
    return {name: _plain(value) for name, value in fields.items()}


def interaction_to_send(interaction: Interaction) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": interaction.kind, "summary": interaction.summary}
    if interaction.at is not None:
        body["at"] = interaction.at.isoformat()
    if interaction.details:
        body["details"] = fields_to_send(interaction.details)
    return body


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return fields_to_send(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    return value
