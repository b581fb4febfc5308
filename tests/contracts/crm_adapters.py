"""The CRM adapters that the suite in `test_crm.py` runs on: one entry each.

A new adapter needs its file, a stand-in that speaks its protocol, and an entry here. The
stand-in holds the customers of `seeds/local/customers.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from engine.settings import PROJECT
from tests.crm import openapi
from web.local.crm_seeds import load_customers
from web.local.hubspot import load_contacts
from web.local.hubspot_portal import SETTING
from web.local.world import World

SEEDS = PROJECT / "seeds" / "local" / "customers.yaml"
TODAY = date(2026, 11, 23)


@dataclass(frozen=True)
class Adapter:
    kind: str
    """The value of CRM_KIND, and the name of the stand-in's prefix."""
    vendor: str
    load: Callable[[World, Path], int]
    writes: Mapping[str, str]
    """Where each write goes: a part of its path, by which faults strike it and no read."""
    reads: str
    """A part of the path by which one customer is read."""
    customers: str
    """The kind of document under which the stand-in keeps customers, and interactions."""
    interactions: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    watch: Callable[[Flask], None] = lambda app: None
    """Holds what the adapter sends and the stand-in answers to the vendor's description."""


def hold_to_the_contract(app: Flask) -> None:
    """Every request and every answer fits `engine/crm/openapi.yaml`, except those that a
    fault has made."""

    def check(response: Response) -> Response:
        # As it came: a key may have a slash of its own in it.
        asked = urlsplit(request.environ["REQUEST_URI"]).path
        path = asked.removeprefix("/crm/api/v1")
        faulty = g.get("fault") is not None and g.fault.kind == "answer"
        if asked == path or faulty:
            return response
        wrong = openapi.complaints_about(request, path, response)
        if wrong:
            response.status_code = 599
            response.set_data("; ".join(wrong))
        return response

    app.after_request(check)


ADAPTERS = [
    Adapter(
        kind="json",
        vendor="crm",
        load=lambda world, file: load_customers(world, file, today=TODAY),
        writes={
            "upsert_lead": "/customers",
            "update_customer": "/customers/",
            "log_interaction": "/interactions",
            "opt_out": "/opt-out",
        },
        reads="/customers/",
        customers="crm_customer",
        interactions="crm_interaction",
        watch=hold_to_the_contract,
    ),
    Adapter(
        kind="hubspot",
        vendor="hubspot",
        load=lambda world, file: load_contacts(world, file, today=TODAY),
        writes={
            "upsert_lead": "/batch/upsert",
            "update_customer": "/objects/contacts/",
            "log_interaction": "/objects/notes",
            "opt_out": "/objects/contacts/",
        },
        reads="/objects/contacts/",
        customers="hubspot_contacts",
        interactions="hubspot_notes",
        settings={"hubspot_properties": SETTING},
    ),
]
