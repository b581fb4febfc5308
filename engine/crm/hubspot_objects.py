"""HubSpot's objects, contacts and notes: the requests that the adapter makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from engine.crm import CustomerFilter
from engine.crm.calls import VENDOR, Calls, Patience, body, error_body, failure, part
from engine.crm.hubspot_bodies import Found, Object, Results, said
from engine.crm.hubspot_contacts import Properties
from engine.errors import Ambiguous, Refused, Unreachable, VendorError

CONTACTS = "/crm/v3/objects/contacts"
NOTES = "/crm/v3/objects/notes"
DAILY, DAILY_WAIT_SECONDS = "daily", 3600.0
DOUBLE = "conflicting_unique_value"

Form = TypeVar("Form", bound=BaseModel)


class Objects:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    # -- reads ----------------------------------------------------------------------

    def by(
        self, objects: str, value: str, unique: str, asked: Sequence[str], patience: Patience
    ) -> Object | None:
        """The object whose id, or whose value of a unique property, it is. Read from the
        record itself, so that it knows what was written a moment ago."""
        query = {"properties": ",".join(asked)} if asked else {}
        query |= {"idProperty": unique} if unique else {}
        return self.present(f"{objects}/{part(value)}", Object, patience, query)

    def present(
        self, path: str, form: type[Form], patience: Patience, query: Mapping[str, str]
    ) -> Form | None:
        """The answer, or None where HubSpot says that there is no such thing."""
        response = self._calls.make("GET", path, patience.left(), reads=True, params=dict(query))
        return None if _absent(response) else _read(response, form)

    def search(self, asked: Mapping[str, Any], patience: Patience) -> Found:
        """Contacts as the index knows them, which is not up to date."""
        return self._ask(f"{CONTACTS}/search", Found, asked, patience)

    def read_batch(
        self, objects: str, ids: Sequence[int], asked: Sequence[str], patience: Patience
    ) -> tuple[Object, ...]:
        wanted = {"properties": list(asked), "inputs": [{"id": str(one)} for one in ids]}
        return self._ask(f"{objects}/batch/read", Results, wanted, patience).results

    def _ask(
        self, path: str, form: type[Form], sent: Mapping[str, Any], patience: Patience
    ) -> Form:
        """A POST that only reads."""
        response = self._calls.make("POST", path, patience.left(), reads=True, json=dict(sent))
        return _read(response, form)

    # -- writes ---------------------------------------------------------------------

    def upsert(self, email: str, sent: Mapping[str, str], patience: Patience) -> Object:
        """A contact by e-mail address, so that a repetition finds the same one."""
        batch = {"inputs": [{"idProperty": "email", "id": email, "properties": dict(sent)}]}
        response = self._write("POST", f"{CONTACTS}/batch/upsert", batch, patience)
        # 207: part of the batch failed, and it has only one.
        if response.status_code == 207 or not response.is_success:
            raise _failure(response)
        made = body(response, Results, reads=False).results
        if not made:
            raise Refused(VENDOR, "not_upserted")
        return made[0]

    def change(self, contact_id: str, sent: Mapping[str, str], patience: Patience) -> Object:
        path = f"{CONTACTS}/{part(contact_id)}"
        response = self._write("PATCH", path, {"properties": dict(sent)}, patience)
        if not response.is_success:
            raise _failure(response)
        return body(response, Object, reads=False)

    def create(
        self, objects: str, sent: Mapping[str, Any], unique: tuple[str, str], patience: Patience
    ) -> Object:
        """A new object; where one has the `unique` property's value already, that one is it:
        an earlier write of ours made it. Without one, what a 5xx has left there no second
        request would find."""
        response = self._write("POST", objects, sent, patience)
        if response.is_success:
            return body(response, Object, reads=False)
        error, (name, value) = _failure(response), unique
        if not name and isinstance(error, Unreachable):
            raise Ambiguous(VENDOR, error.detail)
        double = response.status_code == 409 or error.detail.startswith(DOUBLE)
        earlier = self.by(objects, value, name, [], patience) if double and name else None
        if earlier is None:
            raise error
        return earlier

    def _write(
        self, method: str, path: str, sent: Mapping[str, Any], patience: Patience
    ) -> httpx.Response:
        return self._calls.make(method, path, patience.left(), reads=False, json=dict(sent))


def groups(properties: Properties, wanted: CustomerFilter) -> list[dict[str, Any]]:
    """The filters of a search: within a group all hold, and one of the groups does."""
    name, filters = properties.name, []
    if wanted.status:
        filters.append(where(name("status"), "EQ", value=wanted.status))
    if wanted.services:
        filters.append(where(name("services"), "IN", values=list(wanted.services)))
    if wanted.last_service_before:
        midnight = datetime.combine(wanted.last_service_before, time(), UTC)
        before = str(round(midnight.timestamp() * 1000))
        filters.append(where(name("last_service_at"), "LT", value=before))
    if wanted.city:
        filters.append(where("city", "EQ", value=wanted.city))
    if not wanted.not_signed_for_season:
        return [{"filters": filters}] if filters else []
    # NOT_IN leaves out who has signed for nothing at all.
    seasons = name("signed_seasons")
    other = where(seasons, "NOT_IN", values=[wanted.not_signed_for_season])
    return [{"filters": [*filters, one]} for one in (other, where(seasons, "NOT_HAS_PROPERTY"))]


def where(name: str, operator: str, **sought: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **sought}


def _read(response: httpx.Response, form: type[Form]) -> Form:
    if not response.is_success:
        raise _failure(response)
    return body(response, form, reads=True)


def _absent(response: httpx.Response) -> bool:
    """A 404 in HubSpot's own form; any other one is a wrong address."""
    found = error_body(response) if response.status_code == 404 else None
    return isinstance(found, dict) and "correlationId" in found


def _failure(response: httpx.Response) -> VendorError:
    detail = said(response)
    if detail.startswith(DAILY):
        return failure(response, detail, DAILY_WAIT_SECONDS)
    return failure(response, detail)
