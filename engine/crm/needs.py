"""What a procedure's steps want of the CRM, held against what the CRM can do.

An adapter refuses what it cannot do when it is asked. Here the same is said beforehand, by
`bin/engine check` and `bin/engine sop validate`: the step, what is lacking, and the cure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from engine.crm import Capability, Crm
from engine.settings import Settings

FILTERS = {
    "status": "status",
    "services": "services",
    "not_signed_for_season": "signed_seasons",
    "last_service_before": "last_service_at",
}
WORDS = {"invoices": "read invoices", "opt_out": "keep an opt-out"}
PROPERTIES = {"opt_out": "opted_out", "find_by_key": "key"}


def lacking(steps: Iterable[tuple[str, Any]], crm: Crm | None, settings: Settings) -> Iterator[str]:
    """One line for each thing that a step (its key and config) wants in vain."""
    if crm is None:
        return
    can = crm.capabilities()
    for key, config in steps:
        for need in sorted(set(_needs(config)) - can):
            yield f"step {key!r}: {_told(need, settings)}"


def _needs(config: Any) -> Iterator[Capability]:
    operation = getattr(config, "operation", "")
    if operation == "list_overdue_invoices" or "invoice" in getattr(config, "read_again", ()):
        yield "invoices"
    elif operation == "opt_out":
        yield "opt_out"
    elif operation == "list_customers":
        yield from (need for name, need in FILTERS.items() if getattr(config, name))  # pyright: ignore[reportReturnType]
    elif operation in ("upsert_lead", "update_customer"):
        yield from (name for name in get_args(Capability) if name in config.fields)


def _told(need: str, settings: Settings) -> str:
    what = WORDS.get(need, f"keep {need!r}")
    if settings.crm_kind == "hubspot" and need != "invoices":
        field = PROPERTIES.get(need, need)
        return f"HubSpot cannot {what}; name a property for {field} in HUBSPOT_PROPERTIES"
    return f"the CRM ({settings.crm_kind}) cannot {what}; take the step out"
