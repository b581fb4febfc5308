"""The adapter for any CRM that speaks the JSON contract in `openapi.yaml` beside it.

One method is one request (finding by e-mail and phone may be two), never repeated here.
A write carries its effect key as Idempotency-Key, which the contract makes harmless to
send again; therefore a 5xx counts as unreachable even for a write, while a connection
that broke after the request went out is left to the effect's lookup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar, get_args
from urllib.parse import quote

import httpx

from engine.crm import Capability, Crm, Customer, CustomerFilter, Interaction, Invoice, Page
from engine.crm.calls import VENDOR, Calls, Patience, body, digits, error_body, failure, part, word
from engine.crm.json_bodies import (
    Body,
    CustomerPage,
    CustomerReply,
    InteractionPage,
    InvoicePage,
    InvoiceReply,
    MadeReply,
    fields_to_send,
    interaction_to_send,
)
from engine.crm.overdue import find_overdue
from engine.errors import Ambiguous, Refused, VendorError
from engine.settings import Settings

INVOICES_PER_PAGE = 50
# What servers say of a route that they do not have.
NO_SUCH_CALL = (404, 405, 501)

Reply = TypeVar("Reply", bound=Body)


class JsonCrm:
    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._calls = Calls(f"{base_url.rstrip('/')}/api/v1", api_key)

    def capabilities(self) -> frozenset[Capability]:
        return frozenset(get_args(Capability))

    # -- reads ----------------------------------------------------------------------

    def get_customer(self, customer_id: str, *, timeout: float) -> Customer | None:
        reply = self._read(f"/customers/{part(customer_id)}", CustomerReply, timeout)
        return reply.data.customer() if reply else None

    def find_customer(self, *, email: str = "", phone: str = "", timeout: float) -> Customer | None:
        wanted_phone = digits(phone)
        for query in ({"email": email.strip()}, {"phone": phone.strip()}):
            if not any(query.values()):
                continue
            reply = self._present("/customers", CustomerPage, timeout, query)
            for found in reply.data:
                # A CRM that does not know the filter returns just anybody, and this
                # customer's mail would go to that one: look again.
                if query.get("email", "").casefold() == found.email.casefold() != "":
                    return found.customer()
                if "phone" in query and wanted_phone == digits(found.phone) != "":
                    return found.customer()
        return None

    def list_customers(
        self, wanted: CustomerFilter, *, page: int = 1, per_page: int = 50, timeout: float
    ) -> Page:
        before = wanted.last_service_before
        query = {
            "status": wanted.status,
            "services": ",".join(wanted.services),
            "not_signed_for_season": wanted.not_signed_for_season,
            "last_service_before": before.isoformat() if before else "",
            "city": wanted.city,
        }
        query = {name: value for name, value in query.items() if value}
        query |= {"page": str(page), "per_page": str(per_page)}
        reply = self._present("/customers/search", CustomerPage, timeout, query)
        return Page(
            items=tuple(one.customer() for one in reply.data),
            total=reply.meta.total,
            page=reply.meta.page,
            per_page=reply.meta.per_page,
        )

    def list_interactions(
        self, customer_id: str, *, limit: int, timeout: float
    ) -> tuple[Interaction, ...]:
        path = f"/customers/{part(customer_id)}/interactions"
        reply = self._read(path, InteractionPage, timeout, {"per_page": str(limit)})
        return tuple(one.interaction() for one in reply.data[:limit]) if reply else ()

    def list_overdue_invoices(
        self, *, as_of: date, page: int = 1, timeout: float
    ) -> tuple[tuple[Invoice, ...], int | None]:
        reply = self._overdue_page(as_of, page, timeout)
        more = bool(reply.data) and reply.meta.page * reply.meta.per_page < reply.meta.total
        invoices = tuple(one.invoice() for one in reply.data)
        return invoices, reply.meta.page + 1 if more else None

    def _overdue(self, as_of: date, page: int, timeout: float) -> tuple[tuple[Invoice, ...], int]:
        reply = self._overdue_page(as_of, page, timeout)
        return tuple(one.invoice() for one in reply.data), reply.meta.total

    def _overdue_page(self, as_of: date, page: int, timeout: float) -> InvoicePage:
        query = {"as_of": as_of.isoformat(), "page": str(page), "per_page": str(INVOICES_PER_PAGE)}
        return self._present("/invoices/overdue", InvoicePage, timeout, query)

    def get_invoice(self, invoice_id: str, *, as_of: date, timeout: float) -> Invoice | None:
        """Not every server has this call, and some say `not_found` of a route that they lack as of
        an invoice that is gone. The list of overdue ones then tells which it is."""
        patience = Patience(timeout)
        path = f"/invoices/{part(invoice_id)}"
        response = self._calls.make("GET", path, patience.left(), reads=True)
        if response.is_success:
            return body(response, InvoiceReply, reads=True).data.invoice()
        if response.status_code not in NO_SUCH_CALL:
            raise _failure(response)
        return find_overdue(lambda page: self._overdue(as_of, page, patience.left()), invoice_id)

    def find_by_key(self, key: str, *, timeout: float) -> str | None:
        reply = self._read(f"/effects/{part(_header(key))}", MadeReply, timeout)
        return reply.data.id if reply else None

    # -- writes ---------------------------------------------------------------------

    def upsert_lead(self, fields: Mapping[str, Any], *, key: str, timeout: float) -> Customer:
        sent = fields_to_send(fields)
        return self._write(
            "POST", "/customers", sent, CustomerReply, key=key, timeout=timeout
        ).data.customer()

    def update_customer(
        self, customer_id: str, fields: Mapping[str, Any], *, key: str, timeout: float
    ) -> Customer:
        path, sent = f"/customers/{part(customer_id)}", fields_to_send(fields)
        return self._write(
            "PATCH", path, sent, CustomerReply, key=key, timeout=timeout
        ).data.customer()

    def log_interaction(
        self, customer_id: str, interaction: Interaction, *, key: str, timeout: float
    ) -> str:
        path = f"/customers/{part(customer_id)}/interactions"
        sent = interaction_to_send(interaction)
        return self._write("POST", path, sent, MadeReply, key=key, timeout=timeout).data.id

    def opt_out(self, customer_id: str, *, key: str, timeout: float) -> None:
        path = f"/customers/{part(customer_id)}/opt-out"
        self._write("PATCH", path, {"opted_out": True}, CustomerReply, key=key, timeout=timeout)

    # -- requests -------------------------------------------------------------------

    def _read(
        self, path: str, form: type[Reply], timeout: float, query: dict[str, str] | None = None
    ) -> Reply | None:
        """The body, or None where the CRM says that there is no such thing."""
        response = self._calls.make("GET", path, timeout, reads=True, params=query)
        if response.status_code == 404 and _said(response) == "not_found":
            return None
        if not response.is_success:
            raise _failure(response)
        return body(response, form, reads=True)

    def _present(
        self, path: str, form: type[Reply], timeout: float, query: dict[str, str]
    ) -> Reply:
        found = self._read(path, form, timeout, query)
        if found is None:
            raise Refused(VENDOR, "not_found")
        return found

    def _write(
        self,
        method: str,
        path: str,
        fields: dict[str, Any],
        form: type[Reply],
        *,
        key: str,
        timeout: float,
    ) -> Reply:
        headers = {"Idempotency-Key": _header(key)}
        response = self._calls.make(
            method, path, timeout, reads=False, json=fields, headers=headers
        )
        if not response.is_success:
            raise _failure(response)
        return body(response, form, reads=False)


def from_settings(settings: Settings) -> Crm:
    return JsonCrm(base_url=settings.crm_base_url, api_key=settings.crm_api_key.get_secret_value())


def _failure(response: httpx.Response) -> VendorError:
    said = _said(response)
    if response.status_code == 409 and said == "key_in_use":
        return Ambiguous(VENDOR, said)  # an earlier request of ours is still at it
    return failure(response, said)


def _said(response: httpx.Response) -> str:
    """The contract's error code and the field it is about."""
    found = error_body(response)
    error = found.get("error") if isinstance(found, dict) else None
    if not isinstance(error, dict) or not re.fullmatch(r"[a-z0-9_]+", word(error.get("code"))):
        return ""
    field = word(error.get("field"))
    return f"{error['code']}: {field}" if field else error["code"]


def _header(key: str) -> str:
    """The effect key as it goes over the wire, in the header and in a path alike."""
    return quote(key, safe=":.-_/=+~")
