"""Whether one invoice is still open, by the list of overdue ones: for a CRM without a call for one.

The list is read whole, and counted: while it is read an invoice may be paid, which moves the others
up a place, and one would be missed between two pages. Such a list is read once more; where it does
not hold together then either, nothing is made of it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.crm import Invoice, InvoiceUnsure

TRIES = 2
# A page of invoices, and of how many the whole list is.
Pages = Callable[[int], tuple[tuple[Invoice, ...], int]]


def find_overdue(read: Pages, invoice_id: str) -> Invoice | None:
    """The invoice as the list has it; None where it is not overdue any more. InvoiceUnsure
    where the list cannot be trusted."""
    for _ in range(TRIES):
        listed, whole = _whole_list(read)
        if invoice_id in listed:
            return listed[invoice_id]
        if whole:
            return None
    raise InvoiceUnsure("crm", "list_incomplete")


def _whole_list(read: Pages) -> tuple[dict[str, Invoice], bool]:
    """What was listed, and whether that is as much as the list says of itself."""
    listed: dict[str, Invoice] = {}
    number, totals = 1, set[int]()
    while True:
        invoices, total = read(number)
        totals.add(total)
        new = {one.id: one for one in invoices if one.id not in listed}
        listed |= new
        # A CRM that ignores the page's number answers with the first for ever.
        if not new or len(listed) >= total:
            return listed, totals == {len(listed)}
        number += 1
