"""Without a CRM: the card from which a person copies what a step would have written.

Whom it is about stands first, then what is to be written, each as a line to copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

TITLES = {
    "upsert_lead": "Write this lead down",
    "update_customer": "Change this customer’s record",
    "log_interaction": "Note this about the customer",
    "opt_out": "Write down: no more offers to this customer",
}
WHO = {"Name": "customer_name", "E-mail": "customer_email", "Phone": "customer_phone"}
LABELS = {"email": "E-mail", "last_service_at": "Last service", "quoted_at": "Quoted"}


def to_copy(
    ctx: StepContext, operation: str, fields: Mapping[str, str], kind: str, summary: str
) -> tuple[str, list[tuple[str, str]]]:
    """The card's title and its lines. `fields`, `kind` and `summary` are what the step would
    have sent, filled in."""
    written = [(_label(name), value) for name, value in fields.items()]
    if kind:
        written.append((_label(kind), summary))
    lines = [*(_who(ctx) if operation != "upsert_lead" else ()), *written]
    shown = [(label, value.strip()) for label, value in lines if value.strip()]
    return TITLES.get(operation, _label(operation)), shown


def _who(ctx: StepContext) -> Iterator[tuple[str, str]]:
    return ((label, str(ctx.context.get(key) or "")) for label, key in WHO.items())


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())
