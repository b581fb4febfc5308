"""The port to the customer database: typed calls, every write with a key.

The engine owns no customer data; the CRM does. `json_contract.py` is the adapter for
the JSON contract that `openapi.yaml` beside it describes, `hubspot.py` the one for HubSpot.
A new CRM is one file that passes `tests/contracts/test_crm.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from engine.errors import Refused


class InvoiceUnsure(Refused):
    """The CRM does not say whether this invoice is still open."""

    code = "invoice_unsure"


Capability = Literal[
    "find_by_key", "invoices", "interactions", "opt_out",
    "status", "services", "signed_seasons", "last_service_at", "quoted_at", "source", "notes",
]  # fmt: skip
"""What a CRM may lack: a call, or a field of the customer. `needs.py` says which procedure
wants what; an adapter refuses the rest as `unsupported`."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer or a lead, as much as a procedure may know."""

    id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    city: str = ""
    status: str = ""
    services: tuple[str, ...] = ()
    last_service_at: date | None = None
    signed_seasons: tuple[str, ...] = ()
    opted_out: bool = False
    quoted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """What `list_customers` narrows by; empty means any."""

    status: str = ""
    services: tuple[str, ...] = ()
    not_signed_for_season: str = ""
    last_service_before: date | None = None
    city: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[Customer, ...]
    total: int
    page: int
    per_page: int

    @property
    def next_page(self) -> int | None:
        return self.page + 1 if self.page * self.per_page < self.total else None


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    customer_id: str
    number: str
    amount: Decimal
    currency: str
    due_on: date
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that happened with a customer. `kind` is a word such as email_sent."""

    kind: str
    summary: str
    at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Crm(Protocol):
    """Reads return None for what is not there (404). Every method raises Unauthorised
    (401, 403), RateLimited (429), Unreachable (5xx, no connection), Ambiguous (a write
    went out and no answer came) or Refused (any other 4xx).

    `key` names the effect. A CRM that has seen a key before answers with what it did
    then; `find_by_key` asks whether it has.
    """

    def capabilities(self) -> frozenset[Capability]: ...

    def get_customer(self, customer_id: str, *, timeout: float) -> Customer | None: ...

    def find_customer(self, *, email: str = "", phone: str = "", timeout: float) -> Customer | None:
        """The one with this e-mail; where there is none, one with this phone number. That one
        has an address of its own, and may be somebody else."""
        ...

    def list_customers(
        self, wanted: CustomerFilter, *, page: int = 1, per_page: int = 50, timeout: float
    ) -> Page: ...

    def upsert_lead(self, fields: Mapping[str, Any], *, key: str, timeout: float) -> Customer:
        """Create the lead, or bring the customer with this e-mail up to date."""
        ...

    def update_customer(
        self, customer_id: str, fields: Mapping[str, Any], *, key: str, timeout: float
    ) -> Customer:
        """The customer afterwards, as far as the CRM's answer tells."""
        ...

    def log_interaction(
        self, customer_id: str, interaction: Interaction, *, key: str, timeout: float
    ) -> str:
        """Returns the interaction's id."""
        ...

    def opt_out(self, customer_id: str, *, key: str, timeout: float) -> None: ...

    def list_overdue_invoices(
        self, *, as_of: date, page: int = 1, timeout: float
    ) -> tuple[tuple[Invoice, ...], int | None]:
        """One page of invoices and the next page's number, or None."""
        ...

    def get_invoice(self, invoice_id: str, *, as_of: date, timeout: float) -> Invoice | None:
        """As it is now, paid or not; None where it is gone. `as_of` is today, for a CRM that
        can only list what is overdue: there None means that it is not overdue any more.
        Raises InvoiceUnsure where the CRM cannot say."""
        ...

    def list_interactions(
        self, customer_id: str, *, limit: int, timeout: float
    ) -> tuple[Interaction, ...]:
        """What happened with a customer last, the newest first. Of nobody, nothing."""
        ...

    def find_by_key(self, key: str, *, timeout: float) -> str | None:
        """The id of what an earlier write under this key made, or None."""
        ...
