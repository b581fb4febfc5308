"""Lists from the CRM for `query`: customers and invoices, read page by page.

What the CRM cannot be asked (how long ago a quote went out, how late an invoice is) is
looked at here, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta
from typing import Any, Protocol

from engine.business import Business, season_to_sell
from engine.crm import Customer, CustomerFilter, Page
from engine.errors import StepFailed
from engine.steps import expressions
from engine.steps.amounts import money
from engine.steps.contract import StepContext

PAGE_SIZE = 100


class Wanted(Protocol):
    """What these functions read of the step's config."""

    @property
    def status(self) -> str: ...
    @property
    def services(self) -> tuple[str, ...]: ...
    @property
    def not_signed_for_season(self) -> str: ...
    @property
    def last_service_before(self) -> timedelta | None: ...
    @property
    def city(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def stages(self) -> tuple[int, ...]: ...
    @property
    def limit(self) -> int: ...
    @property
    def into(self) -> str: ...


def customers(config: Wanted, ctx: StepContext) -> tuple[dict[str, Any], int]:
    """The list under `into` with the `season` that it is about, and how many rows were left
    out because they lack what `where` reads."""
    today = ctx.now().astimezone(ctx.business.zone).date()
    season = _season(ctx.business, ctx.render(config.not_signed_for_season).text.strip(), today)
    found = _all_pages(config, ctx, season)
    rows = [known(one) | _ages(one, today) for one in found if not one.opted_out]
    told = {"business": ctx.business, **ctx.context}
    verdicts = [_matches(config.where, told, row) for row in rows]
    matching = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict]
    listed = {config.into: matching} | ({"season": season} if season else {})
    return listed, sum(verdict is None for verdict in verdicts)


def _matches(where: str, context: Mapping[str, Any], row: Mapping[str, Any]) -> bool | None:
    """None where it cannot be said, for this customer lacks what the condition reads: one
    without a last visit must not stop the others. A name that no customer has is an error."""
    if not where:
        return True
    # Of a customer only this row's: not one's whom the task happens to know.
    told = {name: value for name, value in context.items() if name not in COLUMNS} | dict(row)
    try:
        return bool(expressions.evaluate(where, told))
    except StepFailed:
        lacking = expressions.names_of_condition(where) - told.keys()
        if lacking and lacking <= COLUMNS:
            return None
        raise


def _season(business: Business, written: str, today: date) -> str:
    """`lawn` is the season of that name that is on offer; lawn-2027 is itself."""
    named = any(season.name == written for season in business.seasons)
    return season_to_sell(business, written, today) if named else written


def _all_pages(config: Wanted, ctx: StepContext, season: str) -> list[Customer]:
    timeout = ctx.timeout(ctx.settings.crm_timeout_seconds)
    age = config.last_service_before
    wanted = CustomerFilter(
        status=config.status,
        services=config.services,
        not_signed_for_season=season,
        last_service_before=(ctx.now() - age).date() if age else None,
        city=config.city,
    )
    found: dict[str, Customer] = {}
    number: int | None = 1
    while number is not None:
        page: Page = ctx.read_crm(
            lambda crm, n=number: crm.list_customers(
                wanted, page=n, per_page=PAGE_SIZE, timeout=timeout
            )
        )
        # A list that changes while it is read may show one customer on two pages.
        new = [customer for customer in page.items if customer.id not in found]
        found |= {customer.id: customer for customer in new}
        if len(found) > config.limit:
            raise StepFailed(f"more than {config.limit} customers; narrow the query")
        number = _following(number, page.next_page if page.items else None, new)
    return list(found.values())


def _following(number: int, following: int | None, new: Sequence[object]) -> int | None:
    """The page to read next. A CRM that does not know of pages answers with the first one for
    ever, and who stands on the others would be missed."""
    if following is not None and not new:
        raise StepFailed(f"the CRM's page {number} holds nothing but what it had listed before")
    return following


def known(customer: Customer) -> dict[str, Any]:
    """What the CRM knows of a customer, as context keys."""
    facts = asdict(customer)
    last = facts.pop("last_service_at")
    quoted = facts.pop("quoted_at")
    facts["last_service"] = last.isoformat() if last else ""
    facts["quoted"] = quoted.isoformat() if quoted else ""
    for name in ("services", "signed_seasons"):
        facts[name] = ", ".join(facts[name])
    return {f"customer_{name}": value for name, value in facts.items() if value not in ("", None)}


def _column(field: str) -> str:
    """The key of a field: a moment loses its `_at`, for only its day is told."""
    return f"customer_{field.removesuffix('_at')}"


AGES = frozenset({"customer_days_since_service", "customer_days_since_quote"})
# What a row may hold; one of whom less is known lacks some of it.
COLUMNS = frozenset(_column(field.name) for field in fields(Customer)) | AGES

INVOICE_COLUMNS = frozenset(
    {
        "customer_id",
        "invoice_id",
        "customer_invoice_number",
        "customer_invoice_amount",
        "customer_invoice_due",
        "days_overdue",
    }
)


def _ages(customer: Customer, today: date) -> dict[str, int]:
    ages = {}
    if customer.last_service_at is not None:
        ages["customer_days_since_service"] = (today - customer.last_service_at).days
    if customer.quoted_at is not None:
        ages["customer_days_since_quote"] = (today - customer.quoted_at.date()).days
    return ages


def invoices(config: Wanted, ctx: StepContext) -> list[dict[str, Any]]:
    timeout = ctx.timeout(ctx.settings.crm_timeout_seconds)
    today = ctx.now().astimezone(ctx.business.zone).date()
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    number: int | None = 1
    while number is not None:
        page, following = ctx.read_crm(
            lambda crm, n=number: crm.list_overdue_invoices(as_of=today, page=n, timeout=timeout)
        )
        new = [invoice for invoice in page if invoice.id not in seen]
        seen |= {invoice.id for invoice in new}
        for invoice in new:
            late = (today - invoice.due_on) // timedelta(days=1)
            stage = _stage(config.stages, late)
            if stage is None and config.stages:
                continue
            rows.append(
                {
                    "customer_id": invoice.customer_id,
                    "invoice_id": invoice.id,
                    "customer_invoice_number": invoice.number,
                    "customer_invoice_amount": money(invoice),
                    "customer_invoice_due": invoice.due_on.isoformat(),
                    "days_overdue": late,
                }
                | ({"stage": stage} if stage is not None else {})
            )
        if len(rows) > config.limit:
            raise StepFailed(f"more than {config.limit} invoices; narrow the query")
        number = _following(number, following, new)
    return rows


def _stage(stages: Sequence[int], late: int) -> int | None:
    """The highest number of days that has been reached."""
    return max((days for days in stages if days <= late), default=None)
