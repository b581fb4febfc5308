"""Sums of money: as texts, which customers read, and compared, which is done with numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from engine.crm import Invoice

CENT = Decimal("0.01")


def money(invoice: Invoice) -> str:
    return f"{_cents(invoice.amount):,} {invoice.currency}"


def left(invoice: Invoice, approved: str) -> str:
    """What is to be paid now; in the very words that were `approved` where it is as much, so
    that a condition may compare the two, however the CRM or an older version writes it."""
    return approved if _same(invoice, approved) else money(invoice)


def _same(invoice: Invoice, text: str) -> bool:
    amount, _, currency = text.partition(" ")
    try:
        read = _cents(Decimal(amount.replace(",", "")))
    except InvalidOperation:
        return False
    return (read, currency) == (_cents(invoice.amount), invoice.currency)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
