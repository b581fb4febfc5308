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
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from engine.crm import Capability, Crm, Customer, CustomerFilter, Interaction, Invoice, Page
from engine.crm.json_bodies import (
    Body,
    CustomerPage,
    CustomerReply,
    InvoicePage,
    MadeReply,
    fields_to_send,
    interaction_to_send,
)
from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable, VendorError
from engine.retry_after import retry_after
from engine.settings import Settings

VENDOR = "crm"
CONNECT_SECONDS = 5.0
WAIT_WHEN_LIMITED = 10.0
INVOICES_PER_PAGE = 50

Reply = TypeVar("Reply", bound=Body)


class JsonCrm:
    """Thread-safe: one client with its pool serves all threads of the process."""

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._client = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {api_key}", "Accept": "application/json"},
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=5),
        )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"find_by_key", "invoices", "opt_out"})

    # -- reads ----------------------------------------------------------------------

    def get_customer(self, customer_id: str, *, timeout: float) -> Customer | None:
        reply = self._read(f"/customers/{_part(customer_id)}", CustomerReply, timeout)
        return reply.data.customer() if reply else None

    def find_customer(self, *, email: str = "", phone: str = "", timeout: float) -> Customer | None:
        wanted_phone = _digits(phone)
        for query in ({"email": email.strip()}, {"phone": phone.strip()}):
            if not any(query.values()):
                continue
            reply = self._present("/customers", CustomerPage, timeout, query)
            for found in reply.data:
                # A CRM that does not know the filter returns just anybody, and this
                # customer's mail would go to that one: look again.
                if query.get("email", "").casefold() == found.email.casefold() != "":
                    return found.customer()
                if "phone" in query and wanted_phone == _digits(found.phone) != "":
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
            items=tuple(body.customer() for body in reply.data),
            total=reply.meta.total,
            page=reply.meta.page,
            per_page=reply.meta.per_page,
        )

    def list_overdue_invoices(
        self, *, as_of: date, page: int = 1, timeout: float
    ) -> tuple[tuple[Invoice, ...], int | None]:
        query = {"as_of": as_of.isoformat(), "page": str(page), "per_page": str(INVOICES_PER_PAGE)}
        reply = self._present("/invoices/overdue", InvoicePage, timeout, query)
        more = bool(reply.data) and reply.meta.page * reply.meta.per_page < reply.meta.total
        invoices = tuple(body.invoice() for body in reply.data)
        return invoices, reply.meta.page + 1 if more else None

    def find_by_key(self, key: str, *, timeout: float) -> str | None:
        reply = self._read(f"/effects/{_part(_header(key))}", MadeReply, timeout)
        return reply.data.id if reply else None

    # -- writes ---------------------------------------------------------------------

    def upsert_lead(self, fields: Mapping[str, Any], *, key: str, timeout: float) -> Customer:
        body = fields_to_send(fields)
        return self._write(
            "POST", "/customers", body, CustomerReply, key=key, timeout=timeout
        ).data.customer()

    def update_customer(
        self, customer_id: str, fields: Mapping[str, Any], *, key: str, timeout: float
    ) -> Customer:
        path, body = f"/customers/{_part(customer_id)}", fields_to_send(fields)
        return self._write(
            "PATCH", path, body, CustomerReply, key=key, timeout=timeout
        ).data.customer()

    def log_interaction(
        self, customer_id: str, interaction: Interaction, *, key: str, timeout: float
    ) -> str:
        path = f"/customers/{_part(customer_id)}/interactions"
        body = interaction_to_send(interaction)
        return self._write("POST", path, body, MadeReply, key=key, timeout=timeout).data.id

    def opt_out(self, customer_id: str, *, key: str, timeout: float) -> None:
        path = f"/customers/{_part(customer_id)}/opt-out"
        self._write("PATCH", path, {"opted_out": True}, CustomerReply, key=key, timeout=timeout)

    # -- requests -------------------------------------------------------------------

    def _read(
        self, path: str, reply: type[Reply], timeout: float, query: dict[str, str] | None = None
    ) -> Reply | None:
        """The body, or None where the CRM says that there is no such thing."""
        response = self._send("GET", path, timeout, params=query)
        if response.status_code == 404 and _code(response) == "not_found":
            return None
        return _body(response, reply, wrote=False)

    def _present(
        self, path: str, reply: type[Reply], timeout: float, query: dict[str, str]
    ) -> Reply:
        found = self._read(path, reply, timeout, query)
        if found is None:
            raise Refused(VENDOR, "not_found")
        return found

    def _write(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        reply: type[Reply],
        *,
        key: str,
        timeout: float,
    ) -> Reply:
        headers = {"Idempotency-Key": _header(key)}
        response = self._send(method, path, timeout, json=body, headers=headers)
        return _body(response, reply, wrote=True)

    def _send(self, method: str, path: str, timeout: float, **request: Any) -> httpx.Response:
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        try:
            return self._client.request(method, path, timeout=limits, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unreachable(VENDOR, "no_connection") from None
        except httpx.TransportError as error:
            detail = "timeout" if isinstance(error, httpx.TimeoutException) else "dropped"
            # A read may be made again; of a write nobody knows.
            raise (Unreachable if method == "GET" else Ambiguous)(VENDOR, detail) from None


def from_settings(settings: Settings) -> Crm | None:
    """The CRM, or None where there is none."""
    if not settings.crm_base_url:
        return None
    return JsonCrm(base_url=settings.crm_base_url, api_key=settings.crm_api_key.get_secret_value())


def _body(response: httpx.Response, reply: type[Reply], *, wrote: bool) -> Reply:
    if not response.is_success:
        raise _translated(response)
    try:
        return reply.model_validate(response.json(parse_float=Decimal))
    except ValueError as error:
        if wrote:  # it has happened; what it made, the lookup will tell
            raise Ambiguous(VENDOR, "bad_reply") from None
        if isinstance(error, ValidationError):
            raise Refused(VENDOR, "bad_reply") from None
        raise Unreachable(VENDOR, "bad_reply") from None


def _translated(response: httpx.Response) -> VendorError:
    status = response.status_code
    detail = _code(response) or f"http_{status}"
    if status == 429:
        wait = retry_after(response.headers, WAIT_WHEN_LIMITED)
        return RateLimited(VENDOR, detail, retry_after=wait)
    if status in (401, 403):
        return Unauthorised(VENDOR, detail)
    if status >= 500:
        return Unreachable(VENDOR, detail)
    if status == 409 and detail == "key_in_use":
        return Ambiguous(VENDOR, detail)  # an earlier request of ours is still at it
    return Refused(VENDOR, detail)


def _code(response: httpx.Response) -> str:
    """The contract's error code, where it is one: anything else may quote a customer."""
    try:
        code = response.json()["error"]["code"]
    except (ValueError, TypeError, KeyError):
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,59}", code) else ""


def _part(text: str) -> str:
    """One segment of a path, whatever stands in it: an id is opaque. An empty one, or dots,
    would name another thing."""
    if not text.strip("."):
        raise Refused(VENDOR, "bad_id")
    return quote(text, safe="")


def _header(key: str) -> str:
    """The effect key as it goes over the wire, in the header and in a path alike."""
    return quote(key, safe=":.-_/=+~")


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-10:]
