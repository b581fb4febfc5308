"""`query`: read from the CRM, or look at what the task already knows. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.mail.addresses import deliverable
from engine.reasons import in_words
from engine.steps import acquaintance, crm_lists, expressions
from engine.steps.contract import Done, Goto, Outcome, StepConfig, StepContext
from engine.steps.fields import Condition, Duration, PartText, TemplateText
from engine.steps.still import WITHHELD
from engine.steps.ways import NOTHING, Names, Way, with_fields
from engine.tallies import OUTCOMES

Operation = Literal[
    "find_customer",
    "get_customer",
    "list_customers",
    "list_overdue_invoices",
    "tally",
    "may_write",
    "conditions",
]


class Case(StepConfig):
    """The first case whose condition holds decides where to go on."""

    when: Condition
    goto: str


class Config(StepConfig):
    """find_customer (by `email` or `phone`) and get_customer (by `id`) put the customer
    into customer_* keys and set `customer_found`; `absent` is where to go on where there
    is none. What the customer gave stays, and nobody is taken for a customer by the number
    alone (`acquaintance.py`). list_customers puts a list into `into`; in
    `not_signed_for_season` a season's name stands for the one on offer. tally counts what
    became of the children that a for_each of this task has started. may_write looks whether a
    mail to `email` would be refused, of an `offer` also for one that went out lately: then the
    task goes on at `otherwise`, before a model or a person has spent anything on it. conditions
    looks at the context only. `cases` are looked at afterwards in every operation."""

    operation: Operation = "conditions"
    email: PartText = ""
    phone: PartText = ""
    id: TemplateText = ""
    status: str = ""
    services: tuple[str, ...] = ()
    not_signed_for_season: TemplateText = ""
    last_service_before: Duration | None = None
    city: str = ""
    where: Condition = ""
    stages: tuple[int, ...] = ()
    limit: int = Field(default=500, ge=1, le=2000)
    into: str = "customer_list"
    absent: str | None = None
    offer: bool = False
    otherwise: str = "complete"
    cases: tuple[Case, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Config:
        if self.operation == "find_customer" and not (self.email or self.phone):
            raise ValueError("find_customer needs 'email' or 'phone'")
        if self.operation == "get_customer" and not self.id:
            raise ValueError("get_customer needs 'id'")
        if self.operation == "may_write" and not self.email:
            raise ValueError("may_write needs 'email'")
        if self.operation == "conditions" and not self.cases:
            raise ValueError("conditions needs at least one of 'cases'")
        if self.operation.startswith("list_") and not self.into.startswith("customer_"):
            raise ValueError("'into' holds customer data, so it must begin with customer_")
        return self


def calls_out(config: Config) -> bool:
    """Only to the CRM; the rest is in the task and in our own tables."""
    return config.operation not in ("tally", "may_write", "conditions")


def run(config: Config, ctx: StepContext) -> Outcome:
    subject: str | None = None
    output: dict[str, Any] = {}
    without = 0
    if config.operation in ("find_customer", "get_customer"):
        # Without a CRM nobody is known, and the procedure runs all the same.
        output = _customer(config, ctx) if ctx.has_crm else {"customer_found": False}
        subject = output.get("customer_id")
        if subject is None and config.absent is not None:
            return Goto(config.absent, output, summary="absent")
    elif config.operation == "list_customers":
        output, without = crm_lists.customers(config, ctx)
    elif config.operation == "list_overdue_invoices":
        output = {config.into: crm_lists.invoices(config, ctx)}
    elif config.operation == "may_write":
        why = _barred(config, ctx)
        if why:
            return Goto(config.otherwise, {WITHHELD: in_words(why)}, summary=f"withheld: {why}")
    elif config.operation == "tally":
        output = {config.into: dict(ctx.outcomes())}
    summary = _summary(config, output)
    if without:
        summary += f", {without} without what 'where' reads"
    for case in config.cases:
        if expressions.evaluate(case.when, {"business": ctx.business, **ctx.context, **output}):
            return Goto(case.goto, output, subject, summary=summary)
    return Done(output, subject, summary=summary)


def ways(config: Config) -> Iterator[Way]:
    found = _gives(config)
    yield Way(found)
    yield from (Way(found, case.goto) for case in config.cases)
    if config.absent is not None:
        yield Way(frozenset({"customer_found", acquaintance.PERHAPS}), config.absent)
    if config.operation == "may_write":
        yield Way(frozenset({WITHHELD}), config.otherwise)


def _gives(config: Config) -> Names:
    match config.operation:
        case "find_customer" | "get_customer":
            return acquaintance.READ
        case "list_customers":
            season = {"season"} if config.not_signed_for_season else NOTHING
            return with_fields(config.into, crm_lists.COLUMNS, of_each=True) | season
        case "list_overdue_invoices":
            rows = crm_lists.INVOICE_COLUMNS | ({"stage"} if config.stages else NOTHING)
            return with_fields(config.into, rows, of_each=True)
        case "tally":
            return with_fields(config.into, OUTCOMES)
        case _:
            return NOTHING


def scopes(config: Config, known: Names) -> dict[str, Names]:
    """`where` knows the row, the cases know what the operation has found."""
    return {"where": known | crm_lists.COLUMNS, "cases": known | _gives(config)}


def _barred(config: Config, ctx: StepContext) -> str:
    """By the address as it would be sent to; whoever has none is asked for on the card."""
    to = deliverable(ctx.render(config.email).text)
    return ctx.correspondence.barred(to, offer=config.offer) if to else ""


def _summary(config: Config, output: dict[str, Any]) -> str:
    if "customer_found" in output:
        return "found" if output["customer_found"] else "absent"
    if config.operation == "tally":
        return " ".join(f"{name}={n}" for name, n in output[config.into].items() if n)
    return f"{len(output[config.into])} items" if config.into in output else ""


def _customer(config: Config, ctx: StepContext) -> dict[str, Any]:
    """As context keys; `customer_id` is among them where there is one."""
    timeout = ctx.timeout(ctx.settings.crm_timeout_seconds)
    if config.operation == "get_customer":
        number = ctx.render(config.id).text.strip()
        found = number and ctx.read_crm(lambda crm: crm.get_customer(number, timeout=timeout))
        return acquaintance.read_by_id(ctx.context, found or None)
    email, phone = ctx.render(config.email).text.strip(), ctx.render(config.phone).text.strip()
    found = (email or phone) and ctx.read_crm(
        lambda crm: crm.find_customer(email=email, phone=phone, timeout=timeout)
    )
    return acquaintance.found_by(ctx.context, found or None, email, phone)
