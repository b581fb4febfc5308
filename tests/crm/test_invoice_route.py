"""A CRM without the call for one invoice: its list of overdue ones tells whether it is open."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from engine.crm import Crm, Invoice, InvoiceUnsure
from engine.errors import Refused, Unauthorised, Unreachable
from tests.crm.test_json_contract import SOON, crm, failure, order
from web.local.world import World

__all__ = ["crm"]
TODAY = date(2026, 11, 23)
OF_TODAY: dict[str, Any] = SOON | {"as_of": TODAY}
NOT_FOUND = json.dumps({"error": {"code": "not_found"}})
PAGE = "<h1>Not Found</h1>"
# The last is what some servers say of a route that they lack, as of an invoice that is gone.
NO_ROUTE = pytest.mark.parametrize(
    ("status", "body"), [(404, PAGE), (405, PAGE), (501, "{}"), (404, NOT_FOUND)]
)


def without_the_call(world: World, status: int, body: str, invoice: str = "INV-") -> None:
    order(world, status, body, path=f"/invoices/{invoice}", times=1000)


def an_open_one(crm: Crm) -> Invoice:
    [first, *_], _ = crm.list_overdue_invoices(as_of=TODAY, **SOON)
    return first


@NO_ROUTE
def test_one_that_is_still_overdue_is_found_in_the_list(
    crm: Crm, world: World, status: int, body: str
):
    known = an_open_one(crm)
    without_the_call(world, status, body)
    assert crm.get_invoice(known.id, **OF_TODAY) == known


@NO_ROUTE
def test_one_that_is_paid_is_not(crm: Crm, world: World, status: int, body: str):
    known = an_open_one(crm)
    without_the_call(world, status, body)
    row = world.get("crm_invoice", known.id)
    assert row is not None
    world.put("crm_invoice", known.id, row | {"paid": True})
    assert crm.get_invoice(known.id, **OF_TODAY) is None


def test_it_is_looked_for_on_every_page(crm: Crm, world: World):
    known = an_open_one(crm)
    row = world.get("crm_invoice", known.id)
    assert row is not None
    for n in range(120):
        world.put("crm_invoice", f"M-{n}", row | {"id": f"M-{n}", "due_on": "2026-11-22"})
    without_the_call(world, 405, PAGE, "M-")
    found = crm.get_invoice("M-119", **OF_TODAY)
    assert found is not None
    assert found.id == "M-119"


@pytest.mark.parametrize("total", [3, 500])
def test_a_list_that_does_not_hold_together_is_read_twice_and_settles_nothing(
    crm: Crm, world: World, total: int
):
    row = world.get("crm_invoice", an_open_one(crm).id)
    without_the_call(world, 405, PAGE)
    page = {"data": [row], "meta": {"total": total, "page": 1, "per_page": 50}}
    before = len(world.requests("crm", "/invoices/overdue"))
    order(world, 200, page, path="/invoices/overdue", times=1000)
    assert isinstance(failure(crm.get_invoice, "INV-0", as_of=TODAY), InvoiceUnsure)
    asked = len(world.requests("crm", "/invoices/overdue")) - before
    assert asked == 4, "no page is asked for without end"


def test_a_list_that_shrinks_while_it_is_read_is_read_again(crm: Crm, world: World):
    """One that is paid moves the others up a place, and the second page misses one."""
    known = an_open_one(crm)
    row = world.get("crm_invoice", known.id)
    assert row is not None
    rows = [row | {"id": f"M-{n}"} for n in range(3)]
    without_the_call(world, 405, PAGE)
    for number, shown, total in ((1, rows[:2], 4), (2, rows[2:], 3)):
        page = {"data": shown, "meta": {"total": total, "page": number, "per_page": 2}}
        order(world, 200, page, path="/invoices/overdue", times=1)
    assert crm.get_invoice(known.id, **OF_TODAY) == known


def test_a_list_that_held_together_the_second_time_settles_it(crm: Crm, world: World):
    known = an_open_one(crm)
    without_the_call(world, 405, PAGE)
    page = {"data": [], "meta": {"total": 3, "page": 1, "per_page": 50}}
    order(world, 200, page, path="/invoices/overdue", times=1)
    assert crm.get_invoice(known.id, **OF_TODAY) == known


def test_a_crm_that_lists_none_either_is_told_by_its_code(crm: Crm, world: World):
    order(world, 405, PAGE, path="/invoices/", times=1000)
    error = failure(crm.get_invoice, "INV-1", as_of=TODAY)
    assert (type(error), error.detail) == (Refused, "http_405")


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorised), (503, Unreachable), (500, Unreachable)]
)
def test_what_is_no_missing_call_stays_what_it_is(crm: Crm, world: World, status: int, kind: type):
    without_the_call(world, status, "{}")
    assert type(failure(crm.get_invoice, "INV-1", as_of=TODAY)) is kind
    assert world.requests("crm", "/invoices/overdue") == []
