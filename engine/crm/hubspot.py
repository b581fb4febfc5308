"""The adapter for HubSpot: customers are contacts, interactions are notes.

Search lags behind what was written, by seconds and sometimes by minutes. So nothing is
ever searched for that we may just have written: a customer is found by e-mail, and what was
done under a key by the key, as unique properties, which HubSpot reads from the record itself.
Only lists, and a customer of whom nothing but the phone number is known, are searched.

The key of a write stands in a property with unique values, on contacts and on notes alike
(`key` in `HUBSPOT_PROPERTIES`). A second object under the same key is refused by HubSpot as
a double, and then the first one is what counts. Without that property a write in doubt is a
question for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, get_args

from engine.crm import Capability, Crm, Customer, CustomerFilter, Interaction, Invoice, Page
from engine.crm.calls import VENDOR, Calls, Patience, digits, part
from engine.crm.hubspot_account import NOTE_TO_CONTACT, problems
from engine.crm.hubspot_bodies import Associations, Object, interaction, note
from engine.crm.hubspot_contacts import Properties
from engine.crm.hubspot_objects import CONTACTS, NOTES, Objects, groups, where
from engine.errors import Refused
from engine.settings import Settings

ABOUT = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_CONTACT}
PHONE = "hs_searchable_calculated_phone_number"
MOST_ASSOCIATIONS = 500
MOST_NOTES = 100


class HubSpotCrm:
    def __init__(self, *, base_url: str, token: str, properties: Properties) -> None:
        self._objects = Objects(Calls(base_url, token))
        self._properties = properties

    def capabilities(self) -> frozenset[Capability]:
        named = {"opted_out": "opt_out", "key": "find_by_key"}
        can = {"interactions", *(named.get(field, field) for field in self._properties.names)}
        return frozenset(one for one in get_args(Capability) if one in can)

    def problems(self, *, timeout: float) -> list[str]:
        """What in this account is not as this adapter needs it; for `bin/engine check`."""
        return list(problems(self._objects, self._properties, Patience(timeout)))

    # -- reads ----------------------------------------------------------------------

    def get_customer(self, customer_id: str, *, timeout: float) -> Customer | None:
        return self._customer(self._contact(customer_id, "", Patience(timeout)))

    def find_customer(self, *, email: str = "", phone: str = "", timeout: float) -> Customer | None:
        return self._customer(self._known(email, phone, Patience(timeout)))

    def list_customers(
        self, wanted: CustomerFilter, *, page: int = 1, per_page: int = 50, timeout: float
    ) -> Page:
        search = {
            "filterGroups": groups(self._properties, wanted),
            "properties": self._properties.read(),
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "limit": per_page,
            "after": str((page - 1) * per_page),
        }
        found = self._objects.search(search, Patience(timeout))
        customers = [self._properties.customer(one.id, one.properties) for one in found.results]
        return Page(tuple(customers), found.total, page, per_page)

    def list_interactions(
        self, customer_id: str, *, limit: int, timeout: float
    ) -> tuple[Interaction, ...]:
        patience = Patience(timeout)
        path = f"/crm/v4/objects/contacts/{part(customer_id)}/associations/notes"
        query = {"limit": str(MOST_ASSOCIATIONS)}
        found = self._objects.present(path, Associations, patience, query)
        if found is None or not found.results:
            return ()
        # A higher id is a later note.
        newest = sorted(one.toObjectId for one in found.results)[-MOST_NOTES:]
        asked = ("hs_timestamp", "hs_note_body")
        notes = [
            interaction(one.properties)
            for one in self._objects.read_batch(NOTES, newest, asked, patience)
        ]
        notes.sort(key=lambda one: one.at or datetime.min.replace(tzinfo=UTC), reverse=True)
        return tuple(notes[:limit])

    def list_overdue_invoices(
        self,
        *,
        as_of: date,  # noqa: ARG002 - the port's
        page: int = 1,  # noqa: ARG002
        timeout: float,  # noqa: ARG002
    ) -> tuple[tuple[Invoice, ...], int | None]:
        raise Refused(VENDOR, "unsupported: invoices")

    def get_invoice(
        self,
        invoice_id: str,  # noqa: ARG002 - the port's
        *,
        as_of: date,  # noqa: ARG002
        timeout: float,  # noqa: ARG002
    ) -> Invoice | None:
        raise Refused(VENDOR, "unsupported: invoices")

    def find_by_key(self, key: str, *, timeout: float) -> str | None:
        patience, unique = Patience(timeout), self._properties.name("key")
        for objects in (CONTACTS, NOTES):
            found = self._objects.by(objects, key, unique, [], patience)
            if found is not None:
                return found.id
        return None

    # -- writes ---------------------------------------------------------------------

    def upsert_lead(self, fields: Mapping[str, Any], *, key: str, timeout: float) -> Customer:
        patience = Patience(timeout)
        email = str(fields.get("email") or "").strip().lower()
        # With an address the phone number does not decide.
        phone = "" if email else str(fields.get("phone") or "")
        known = self._known(email, phone, patience)
        sent = self._sent(fields, key, new=known is None)
        if email:
            made = self._objects.upsert(email, sent | {"email": email}, patience)
        elif known is not None:
            made = self._objects.change(known.id, sent, patience)
        else:
            unique = (self._properties.names.get("key", ""), key)
            made = self._objects.create(CONTACTS, {"properties": sent}, unique, patience)
        before = known.properties if known else {}
        return self._properties.customer(made.id, {**before, **sent, **made.properties})

    def update_customer(
        self, customer_id: str, fields: Mapping[str, Any], *, key: str, timeout: float
    ) -> Customer:
        sent = self._properties.to_send(fields) | self._keyed(key)
        made = self._objects.change(customer_id, sent, Patience(timeout))
        return self._properties.customer(made.id, {**sent, **made.properties})

    def log_interaction(
        self, customer_id: str, interaction: Interaction, *, key: str, timeout: float
    ) -> str:
        """The note and whom it is about, in one request."""
        part(customer_id)
        written = {
            "properties": note(interaction) | self._keyed(key),
            "associations": [{"to": {"id": customer_id}, "types": [ABOUT]}],
        }
        unique = (self._properties.names.get("key", ""), key)
        return self._objects.create(NOTES, written, unique, Patience(timeout)).id

    def opt_out(self, customer_id: str, *, key: str, timeout: float) -> None:
        sent = {self._properties.name("opted_out"): "true"} | self._keyed(key)
        self._objects.change(customer_id, sent, Patience(timeout))

    # -- contacts -------------------------------------------------------------------

    def _contact(self, value: str, unique: str, patience: Patience) -> Object | None:
        return self._objects.by(CONTACTS, value, unique, self._properties.read(), patience)

    def _known(self, email: str, phone: str, patience: Patience) -> Object | None:
        found = None
        if email.strip():
            found = self._contact(email.strip().lower(), "email", patience)
        if found is None and digits(phone):
            found = self._by_phone(digits(phone), patience)
        return found

    def _by_phone(self, number: str, patience: Patience) -> Object | None:
        search = {
            "filterGroups": [{"filters": [where(PHONE, "CONTAINS_TOKEN", value=f"*{number}")]}],
            "properties": self._properties.read(),
            "limit": 10,
        }
        found = self._objects.search(search, patience).results
        same = (one for one in found if digits(one.properties.get("phone") or "") == number)
        return next(same, None)

    def _customer(self, found: Object | None) -> Customer | None:
        return self._properties.customer(found.id, found.properties) if found else None

    def _sent(self, fields: Mapping[str, Any], key: str, *, new: bool) -> dict[str, str]:
        """A customer who is known keeps the status; a new one is a lead."""
        given = {name: value for name, value in fields.items() if new or name != "status"}
        if new and "status" in self._properties.names:
            given = {"status": "lead"} | given
        return self._properties.to_send(given) | self._keyed(key)

    def _keyed(self, key: str) -> dict[str, str]:
        name = self._properties.names.get("key")
        return {name: key} if name else {}


def from_settings(settings: Settings) -> Crm:
    return HubSpotCrm(
        base_url=settings.crm_base_url,
        token=settings.crm_api_key.get_secret_value(),
        properties=Properties.parse(settings.hubspot_properties),
    )
