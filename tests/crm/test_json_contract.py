"""What is particular to the JSON contract; the port's own suite is `contracts/test_crm.py`."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from engine.crm import Crm
from engine.crm.adapters import from_settings
from engine.errors import Ambiguous, Refused, VendorError
from engine.settings import Settings
from tests.contracts.crm_adapters import SEEDS
from web.local.crm_seeds import load_customers
from web.local.world import Fault, World

SOON = {"timeout": 5.0}
META = {"total": 1, "page": 1, "per_page": 50}


@pytest.fixture
def crm(url: str, world: World) -> Crm:
    load_customers(world, SEEDS, today=date(2026, 11, 23))
    crm = from_settings(Settings(crm_base_url=url, crm_api_key="local-crm-key"))  # type: ignore[arg-type]
    assert crm is not None
    return crm


def order(world: World, status: int, body: Any, **more: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    world.order(Fault("crm", "answer", status=status, body=text, **more))


def failure(call: Any, *args: Any, **kwargs: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call(*args, **SOON | kwargs)
    return caught.value


def test_a_filter_that_the_crm_ignores_finds_nobody(crm: Crm, world: World):
    order(world, 200, {"data": [world.get("crm_customer", "C-1001")], "meta": META})
    assert crm.find_customer(email="rachel@example.com", **SOON) is None


def test_each_call_is_one_request_and_a_write_carries_its_key(crm: Crm, world: World):
    crm.get_customer("C-1001", **SOON)
    crm.update_customer("C-1001", {"city": "Edina"}, key="task.1", **SOON)
    read, write = world.requests("crm")
    assert (read["method"], write["method"]) == ("GET", "PATCH")
    assert write["headers"]["Idempotency-Key"] == "task.1"


def test_an_earlier_request_still_at_it_is_in_doubt(crm: Crm, world: World):
    order(world, 409, {"error": {"code": "key_in_use"}})
    assert isinstance(failure(crm.upsert_lead, {"name": "Pat"}, key="k"), Ambiguous)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        ({"code": "invalid", "field": "email"}, "invalid: email"),
        ({"code": "invalid", "field": "anna@example.com"}, "invalid"),
        ({"code": "Anna Lindqvist"}, "http_422"),
        ({"code": 7}, "http_422"),
        ("no object", "http_422"),
    ],
)
def test_the_codes_pass_through_and_no_words(crm: Crm, world: World, error: Any, detail: str):
    order(world, 422, {"error": error})
    assert failure(crm.upsert_lead, {"name": "Pat"}, key="k").detail == detail


@pytest.mark.parametrize(
    ("customer", "where"),
    [
        ({"id": "C-1", "name": 7}, "data.name"),
        ({"name": "No id"}, "data.id"),
        ({"id": "C-1", "last_service_at": "May"}, "data.last_service_at"),
        ({"id": "C-1", "services": "mowing"}, "data.services"),
        ([], "data"),
    ],
)
def test_the_field_outside_the_contract_is_named(crm: Crm, world: World, customer: Any, where: str):
    order(world, 200, {"data": customer}, times=2)
    error = failure(crm.get_customer, "C-1")
    assert (type(error), error.detail) == (Refused, f"bad_reply: {where}")
    error = failure(crm.upsert_lead, {"name": "Pat"}, key="k")
    assert (type(error), error.detail) == (Ambiguous, f"bad_reply: {where}")


def test_a_body_with_less_or_more_than_we_know_is_read(crm: Crm, world: World):
    body = {"id": 17, "name": None, "vip": True, "quoted_at": "2026-11-23T10:00:00"}
    order(world, 200, {"data": body})
    found = crm.get_customer("17", **SOON)
    assert found is not None
    assert (found.id, found.name, found.services) == ("17", "", ())
    assert found.quoted_at is not None
    assert found.quoted_at.tzinfo is not None


def test_a_page_that_promises_more_and_has_nothing_ends_the_list(crm: Crm, world: World):
    order(world, 200, {"data": [], "meta": META | {"total": 900}})
    assert crm.list_overdue_invoices(as_of=date(2026, 11, 23), **SOON) == ((), None)
