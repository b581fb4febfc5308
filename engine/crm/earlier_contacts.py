"""What the CRM knows of earlier contacts with a customer, for whoever approves a mail.

It stands on the card beside the engine's own tasks about the same customer. A CRM that does
not answer holds no question back: then the card says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.crm import Interaction
from engine.errors import NotAllowed, VendorError
from engine.moments import day

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

SHOWN = 3
SUMMARY_LENGTH = 120
PATIENCE_SECONDS = 5.0


def earlier_contacts(ctx: StepContext) -> str:
    """A line for each, the newest first; empty where there is nothing to tell."""
    customer = str(ctx.task.subject or ctx.context.get("customer_id") or "")
    if not customer or ctx.crm is None or "interactions" not in ctx.crm.capabilities():
        return ""
    timeout = ctx.timeout(min(ctx.settings.crm_timeout_seconds, PATIENCE_SECONDS))
    try:
        found = ctx.read_crm(
            lambda crm: crm.list_interactions(customer, limit=SHOWN, timeout=timeout)
        )
    except (VendorError, NotAllowed):
        return "The CRM did not tell of earlier contacts."
    return "\n".join(_line(one, ctx.business.zone) for one in found)


def _line(one: Interaction, zone: ZoneInfo) -> str:
    said = " ".join(one.summary.split())
    if len(said) > SUMMARY_LENGTH:
        said = said[: SUMMARY_LENGTH - 1].rstrip() + "…"
    when = f"{day(one.at, zone)}, " if one.at else ""
    return f"{when}{one.kind.replace('_', ' ')}: {said}"
