"""What an approved mail rests on, looked at once more right before it leaves.

Between the approval and the sending lie the seconds for Undo, a campaign's pace, a holiday,
a stop: hours, sometimes days. Meanwhile an invoice is paid, a customer signs or writes back.
`unless` of a procedure's send step says what makes the mail wrong then, `read_again` what
of the CRM is read for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.crm import Crm, InvoiceUnsure
from engine.steps import expressions
from engine.steps.amounts import left
from engine.steps.contract import StepContext
from engine.steps.crm_lists import known

Rest = Literal["customer", "invoice"]
# Under this key the task keeps why its approved mail was not sent; its card tells.
WITHHELD = "withheld_because"
# What `unless` knows of an invoice that is read again.
INVOICE = frozenset({"customer_invoice_open", "customer_invoice_left"})
UNSURE = "The CRM could not say whether this invoice is still open: look there first."
GONE = "the CRM does not know this customer any more"


@dataclass(frozen=True, slots=True)
class Found:
    """`withheld`: why the mail is not to go out after all, in the procedure's words; empty where
    all that it rests on still holds. `unsure`: what the CRM could not say."""

    withheld: str = ""
    unsure: str = ""


def look_again(
    ctx: StepContext, read_again: Sequence[Rest], unless: Mapping[str, str], customer: str
) -> Found:
    unsure = ""
    heard = ctx.correspondence.heard()
    now: dict[str, Any] = {"business": ctx.business, **ctx.context, **heard}
    if ctx.has_crm:
        if "customer" in read_again:
            read = _customer(ctx, customer)
            if not read["customer_found"]:
                return Found(GONE)
            # What they have said to us the CRM may not have heard yet.
            now |= read | {key: said for key, said in heard.items() if said}
        if "invoice" in read_again:
            try:
                now |= _invoice(ctx)
            except InvoiceUnsure:
                # As it was when it was approved, for the other conditions; a person rules on it.
                now |= _as_approved(ctx)
                unsure = UNSURE
    holds = (why for why, when in unless.items() if expressions.evaluate(when, now))
    return Found(next(holds, ""), unsure)


def _customer(ctx: StepContext, customer_id: str) -> dict[str, Any]:
    timeout = ctx.timeout(ctx.settings.crm_timeout_seconds)

    def read(crm: Crm) -> Any:
        return crm.get_customer(customer_id, timeout=timeout) if customer_id else None

    found = ctx.read_crm(read)
    return {"customer_found": found is not None} | (known(found) if found else {})


def _invoice(ctx: StepContext) -> dict[str, Any]:
    """One that is gone is as good as paid: nobody is to be reminded of it."""
    timeout = ctx.timeout(ctx.settings.crm_timeout_seconds)
    invoice_id = str(ctx.context.get("invoice_id") or "")
    today = ctx.now().astimezone(ctx.business.zone).date()
    found = ctx.read_crm(lambda crm: crm.get_invoice(invoice_id, as_of=today, timeout=timeout))
    if found is None or found.paid:
        return {"customer_invoice_open": False, "customer_invoice_left": ""}
    return {"customer_invoice_open": True, "customer_invoice_left": left(found, _approved(ctx))}


def _as_approved(ctx: StepContext) -> dict[str, Any]:
    return {"customer_invoice_open": True, "customer_invoice_left": _approved(ctx)}


def _approved(ctx: StepContext) -> str:
    return str(ctx.context.get("customer_invoice_amount") or "")
