"""The CRM port's contract, on the JSON adapter over a real socket. A new adapter passes the
same suite. Above all: one call is one request, and what may have happened is never repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.crm import Crm, CustomerFilter, Interaction
from engine.crm.json_contract import from_settings
from engine.errors import (
    Ambiguous,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
    VendorError,
)
from engine.settings import PROJECT, Settings
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.crm_seeds import load_customers
from web.local.world import Fault, World

LEAD = {"name": "Rachel Sandberg", "email": "rachel@example.com", "services": ("snow_removal",)}
SOON = {"timeout": 5.0}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "world.db")
    load_customers(world, PROJECT / "seeds/local/customers.yaml", today=date(2026, 11, 23))
    return world


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serve(create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))) as base:
        yield f"{base}/crm"


def connect(url: str, key: str = "local-crm-key") -> Crm:
    crm = from_settings(Settings(crm_base_url=url, crm_api_key=key))  # type: ignore[arg-type]
    assert crm is not None
    return crm


@pytest.fixture
def crm(url: str) -> Crm:
    return connect(url)


def failure(call: Any, *args: Any, **kwargs: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call(*args, **SOON | kwargs)
    return caught.value


def test_without_an_address_there_is_no_crm():
    assert from_settings(Settings(crm_base_url="")) is None


def test_reading_a_customer(crm: Crm):
    anna = crm.get_customer("C-1001", **SOON)
    assert anna is not None
    assert (anna.name, anna.city, anna.status) == ("Anna Lindqvist", "Minneapolis", "past")
    assert anna.services == ("fertilizer", "weed_control")
    assert anna.last_service_at == date(2025, 10, 2)
    assert anna.signed_seasons == ("lawn-2025",)
    patricia = crm.get_customer("C-1010", **SOON)
    assert patricia is not None
    assert patricia.email == ""


def test_who_is_not_there_is_none(crm: Crm):
    assert crm.get_customer("C-9999", **SOON) is None
    assert crm.find_customer(email="nobody@example.com", **SOON) is None
    assert crm.find_customer(phone="612-555-0199", **SOON) is None
    assert crm.find_customer(**SOON) is None
    assert crm.find_by_key("never", **SOON) is None


@pytest.mark.parametrize(
    "by",
    [
        {"email": "ANNA.Lindqvist@example.com"},
        {"phone": "+1 (612) 555-0101"},
        {"email": "other@example.com", "phone": "6125550101"},
    ],
)
def test_finding_a_customer_by_address_or_number(crm: Crm, by: dict[str, str]):
    found = crm.find_customer(**by, **SOON)
    assert found is not None
    assert found.id == "C-1001"


def test_a_filter_that_the_crm_ignores_finds_nobody(crm: Crm, world: World):
    anybody = {"data": [world.get("crm_customer", "C-1001")], "meta": META}
    world.order(Fault("crm", "answer", status=200, body=json.dumps(anybody)))
    assert crm.find_customer(email="rachel@example.com", **SOON) is None


def test_listing_past_customers_page_by_page(crm: Crm):
    wanted = CustomerFilter(
        status="past", services=("fertilizer", "weed_control"), not_signed_for_season="lawn-2027"
    )
    number: int | None = 1
    seen = []
    while number is not None:
        page = crm.list_customers(wanted, page=number, per_page=10, **SOON)
        seen += page.items
        number = page.next_page
    assert len({customer.id for customer in seen}) == len(seen) == page.total > 20
    before = CustomerFilter(last_service_before=date(2025, 1, 1), city="Crystal")
    assert [c.name for c in crm.list_customers(before, **SOON).items] == ["Steve Lundgren"]


def test_overdue_invoices_are_exact(crm: Crm):
    invoices, more = crm.list_overdue_invoices(as_of=date(2026, 11, 23), **SOON)
    assert more is None
    assert len(invoices) == 6
    assert sum(one.amount for one in invoices) == Decimal("1981.25")
    assert invoices[0].due_on == date(2026, 10, 20)
    assert invoices[0].currency == "USD"


def test_a_lead_is_made_once_and_then_kept_up_to_date(crm: Crm, world: World):
    made = crm.upsert_lead(LEAD | {"quoted_at": None}, key="task-1.lead", **SOON)
    assert (made.status, made.services) == ("lead", ("snow_removal",))
    again = crm.upsert_lead({"email": "Rachel@example.com", "city": "Richfield"}, key="k2", **SOON)
    assert again.id == made.id
    assert (again.name, again.city) == ("Rachel Sandberg", "Richfield")
    assert world.count("crm_customer") == 41


def test_a_write_to_a_customer(crm: Crm, world: World):
    changed = crm.update_customer("C-1003", {"name": "Mike Hall"}, key="k1", **SOON)
    assert changed.name == "Mike Hall"
    crm.opt_out("C-1003", key="k2", **SOON)
    after = crm.get_customer("C-1003", **SOON)
    assert after is not None
    assert after.opted_out
    noted = Interaction("email_sent", "A quote", details={"amount": Decimal("12.50")})
    interaction = crm.log_interaction("C-1003", noted, key="k3", **SOON)
    (kept,) = world.all("crm_interaction")
    assert (kept["id"], kept["details"]) == (interaction, {"amount": "12.50"})
    assert {"find_by_key", "invoices", "opt_out"} == crm.capabilities()


@pytest.mark.parametrize("key", ["0199-ab.lead", "a/b c?d", "ключ", "x" * 200])
def test_what_was_done_under_a_key_can_be_found(crm: Crm, key: str):
    made = crm.upsert_lead(LEAD, key=key, **SOON)
    assert crm.find_by_key(key, **SOON) == made.id
    assert crm.find_by_key(f"{key}.", **SOON) is None


def test_the_same_key_again_changes_nothing_but_is_seen_by_the_log(crm: Crm, world: World):
    noted = Interaction("call", "No answer")
    first = crm.log_interaction("C-1001", noted, key="k", **SOON)
    assert crm.log_interaction("C-1001", noted, key="k", **SOON) == first
    assert world.count("crm_interaction") == 1
    assert len(world.requests("crm", "interactions")) == 2


WRITES = {
    "upsert_lead": (LEAD,),
    "update_customer": ("C-1001", {"city": "Edina"}),
    "log_interaction": ("C-1001", Interaction("call", "No answer")),
    "opt_out": ("C-1001",),
}


@pytest.mark.parametrize("write", WRITES)
def test_dropped_before_it_was_done(crm: Crm, world: World, write: str):
    world.order(Fault("crm", "drop_before"))
    assert isinstance(failure(getattr(crm, write), *WRITES[write], key="k"), Ambiguous)
    assert len(world.requests("crm")) == 1
    assert crm.find_by_key("k", **SOON) is None


@pytest.mark.parametrize("write", WRITES)
def test_dropped_after_it_was_done(crm: Crm, world: World, write: str):
    world.order(Fault("crm", "drop_after"))
    assert isinstance(failure(getattr(crm, write), *WRITES[write], key="k"), Ambiguous)
    assert len(world.requests("crm")) == 1
    assert crm.find_by_key("k", **SOON)


@pytest.mark.parametrize("write", WRITES)
def test_no_answer_in_time(crm: Crm, world: World, write: str):
    world.order(Fault("crm", "slow", seconds=1.5))
    error = failure(getattr(crm, write), *WRITES[write], key="k", timeout=0.3)
    assert isinstance(error, Ambiguous)
    assert error.detail == "timeout"
    assert len(world.requests("crm")) == 1


def test_a_read_without_an_answer_may_be_made_again(crm: Crm, world: World):
    world.order(Fault("crm", "slow", seconds=1.5))
    assert type(failure(crm.get_customer, "C-1001", timeout=0.3)) is Unreachable
    world.order(Fault("crm", "drop_before"))
    assert type(failure(crm.get_customer, "C-1001")) is Unreachable
    assert len(world.requests("crm")) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Refused),
        (400, Refused),
        (401, Unauthorised),
        (403, Unauthorised),
        (404, Refused),
        (409, Refused),
        (422, Refused),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
    ],
)
def test_each_status_has_its_name(crm: Crm, world: World, status: int, kind: type[VendorError]):
    for body in ("", "<h1>Anna</h1>", '{"error": {"code": "Anna Lindqvist"}}'):
        world.order(Fault("crm", "answer", status=status, body=body, times=2))
        for error in (
            failure(crm.get_customer, "C-1001"),
            failure(crm.upsert_lead, LEAD, key="k"),
        ):
            assert type(error) is kind
            assert error.detail == f"http_{status}"
    assert len(world.requests("crm")) == 6


def test_the_wrong_key_is_not_accepted(url: str):
    error = failure(connect(url, "other").get_customer, "C-1001")
    assert isinstance(error, Unauthorised)
    assert error.detail == "bad_key"


def test_a_wrong_address_is_not_an_absent_customer(url: str):
    assert isinstance(failure(connect(f"{url}/v7").get_customer, "C-1001"), Refused)
    assert isinstance(failure(connect(f"{url}/v7").find_by_key, "k"), Refused)


def test_a_write_to_nobody_is_refused(crm: Crm):
    error = failure(crm.update_customer, "C-9999", {"city": "Edina"}, key="k")
    assert (type(error), error.detail) == (Refused, "not_found")
    error = failure(crm.update_customer, "C-1001", {"colour": "red"}, key="k")
    assert (type(error), error.detail) == (Refused, "unknown_field")


@pytest.mark.parametrize("customer_id", ["", ".", ".."])
def test_an_id_that_is_none_asks_for_nothing(crm: Crm, world: World, customer_id: str):
    assert isinstance(failure(crm.get_customer, customer_id), Refused)
    assert world.requests("crm") == []


def test_an_id_is_opaque(crm: Crm):
    assert crm.get_customer("a?c#d é", **SOON) is None


def test_the_crm_says_how_long_to_wait(crm: Crm, world: World):
    world.order(Fault("crm", "answer", status=429, headers={"Retry-After": "42"}, times=2))
    error = failure(crm.upsert_lead, LEAD, key="k")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 42
    assert len(world.requests("crm")) == 1


def test_an_earlier_request_still_at_it_is_in_doubt(crm: Crm, world: World):
    body = '{"error": {"code": "key_in_use"}}'
    world.order(Fault("crm", "answer", status=409, body=body))
    assert isinstance(failure(crm.upsert_lead, LEAD, key="k"), Ambiguous)


def test_nobody_there_is_unreachable():
    crm = connect("http://127.0.0.1:1")
    assert isinstance(failure(crm.get_customer, "C-1001"), Unreachable)
    assert isinstance(failure(crm.upsert_lead, LEAD, key="k"), Unreachable)


META = {"total": 1, "page": 1, "per_page": 50}
STRANGE = [
    '{"data": []}',
    '{"data": {"id": "C-1", "name": 7}}',
    '{"data": {"name": "No id"}}',
    '{"data": {"id": "C-1", "last_service_at": "May"}}',
    '{"data": {"id": "C-1", "services": "mowing"}}',
    "[]",
    "null",
]


@pytest.mark.parametrize("body", STRANGE)
def test_a_body_of_another_kind_is_not_guessed_at(crm: Crm, world: World, body: str):
    world.order(Fault("crm", "answer", status=200, body=body, times=2))
    error = failure(crm.get_customer, "C-1")
    assert (type(error), error.detail) == (Refused, "bad_reply")
    assert isinstance(failure(crm.upsert_lead, LEAD, key="k"), Ambiguous)


@pytest.mark.parametrize("body", ['{"data": {"id": "C-', "<html>Sign in</html>", "", "\xff"])
def test_a_broken_body_may_be_read_again_but_not_written_again(crm: Crm, world: World, body: str):
    world.order(Fault("crm", "answer", status=200, body=body, times=2))
    assert type(failure(crm.get_customer, "C-1")) is Unreachable
    assert isinstance(failure(crm.upsert_lead, LEAD, key="k"), Ambiguous)


def test_a_body_with_less_or_more_than_we_know_is_read(crm: Crm, world: World):
    body = '{"data": {"id": 17, "name": null, "vip": true, "quoted_at": "2026-11-23T10:00:00"}}'
    world.order(Fault("crm", "answer", status=200, body=body))
    found = crm.get_customer("17", **SOON)
    assert found is not None
    assert (found.id, found.name, found.services) == ("17", "", ())
    assert found.quoted_at is not None
    assert found.quoted_at.tzinfo is not None


def test_a_page_that_promises_more_and_has_nothing_ends_the_list(crm: Crm, world: World):
    body = json.dumps({"data": [], "meta": META | {"total": 900}})
    world.order(Fault("crm", "answer", status=200, body=body))
    assert crm.list_overdue_invoices(as_of=date(2026, 11, 23), **SOON) == ((), None)
