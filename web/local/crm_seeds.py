"""Past customers for the CRM stand-in, read from `seeds/local/customers.yaml`.

The file speaks of years as {year}, {year-1} and {year-2}, and of an invoice's age in
days, so that the world is as old next season as it is today.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from web.local.crm_fields import blank_customer
from web.local.world import World

_YEAR = re.compile(r"\{year(-\d+|\+\d+)?\}")


def load_customers(world: World, file: Path, *, today: date | None = None) -> int:
    """Put the file's customers and invoices in; returns how many customers. Loading again
    brings those of the file back to where they were and leaves the others alone."""
    today = today or date.today()
    text = _YEAR.sub(lambda found: str(today.year + int(found[1] or 0)), file.read_text("utf-8"))
    seeds: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)
    for customer in seeds["customers"]:
        full = blank_customer(customer["id"]) | {"status": "past"} | _plain(customer)
        world.put("crm_customer", full["id"], full)
    for invoice in seeds["invoices"]:
        due_on = today - timedelta(days=invoice["days_overdue"])
        full = _plain(invoice) | {"due_on": due_on.isoformat(), "currency": "USD", "paid": False}
        del full["days_overdue"]
        world.put("crm_invoice", full["id"], full)
    return len(seeds["customers"])


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """YAML reads 2026-10-02 as a date; JSON has none."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
    }
