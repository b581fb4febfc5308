"""Writing to the CRM as an effect: keyed, and found again by its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.crm import Crm, Interaction
from engine.effects import Effect
from engine.errors import StepFailed

if TYPE_CHECKING:
    from engine.steps.contract import StepContext


def write_effect(
    ctx: StepContext,
    operation: str,
    customer: str,
    fields: Mapping[str, Any],
    kind: str,
    summary: str,
) -> Effect:
    """The effect of one CRM write; its result is {id}."""
    crm = ctx.crm
    if crm is None:
        raise StepFailed("there is no CRM")
    settings = ctx.settings
    findable = "find_by_key" in crm.capabilities()

    def call(key: str, timeout: float) -> dict[str, str]:
        return {"id": _write(crm, operation, customer, fields, kind, summary, key, timeout)}

    def lookup(key: str, since: float, timeout: float) -> dict[str, str] | None:  # noqa: ARG001
        found = crm.find_by_key(key, timeout=timeout)
        return {"id": found} if found else None

    return Effect(
        "crm",
        operation,
        call,
        settings.crm_timeout_seconds,
        lookup=lookup if findable else None,
        rate_gap=1 / settings.crm_calls_per_second if settings.crm_calls_per_second else 0.0,
    )


def _write(
    crm: Crm,
    operation: str,
    customer: str,
    fields: Mapping[str, Any],
    kind: str,
    summary: str,
    key: str,
    timeout: float,
) -> str:
    if operation == "upsert_lead":
        return crm.upsert_lead(fields, key=key, timeout=timeout).id
    if operation == "update_customer":
        return crm.update_customer(customer, fields, key=key, timeout=timeout).id
    if operation == "log_interaction":
        interaction = Interaction(kind=kind, summary=summary)
        return crm.log_interaction(customer, interaction, key=key, timeout=timeout)
    crm.opt_out(customer, key=key, timeout=timeout)
    return customer
