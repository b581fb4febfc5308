"""A customer's name that a person corrects on a card: in the task, and in the CRM if they say so.

The form of a mail holds the name; what is typed there becomes the task's `customer_name` like
any other field. Where the CRM knows the customer it offers to correct that too, and the write
is an effect of the step that asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from engine.crm.writing import write_effect
from engine.errors import InDoubt, Refused
from engine.steps.contract import Field

if TYPE_CHECKING:
    from engine.steps.contract import StepContext

NAME = "customer_name"
IN_CRM = "customer_name_to_crm"
log = structlog.get_logger()


def name_fields(ctx: StepContext, name: str) -> list[Field]:
    """The name, and whether the CRM shall have it."""
    fields = [Field(NAME, "Customer's name", name, optional=True)]
    if ctx.context.get("customer_id") and ctx.has_crm and ctx.agent.may_use("crm:write"):
        fields.append(Field(IN_CRM, "Correct the name in the CRM too", "no", type="yes_no"))
    return fields


def correct_in_crm(ctx: StepContext, given: Mapping[str, str]) -> None:
    """Write it, where that was asked for and it is another name than before. What the CRM
    refuses holds no mail back, and nor does what nobody can say it has taken: a question about
    that would stand in the place of the answer that was given here. Both stand in the task's
    timeline, and a doubt is told at the task's end."""
    name = given.get(NAME, "").strip()
    if given.get(IN_CRM) != "yes" or not name or name == ctx.context.get(NAME):
        return
    customer = str(ctx.context["customer_id"])
    try:
        ctx.perform(write_effect(ctx, "update_customer", customer, {"name": name}, "", ""))
    except Refused as refused:
        log.warning("name_not_corrected", task=ctx.task.number, code=refused.detail)
    except InDoubt as doubt:
        log.warning("name_perhaps_not_corrected", task=ctx.task.number, code=doubt.code)
