"""The CRM port's contract, on every adapter over a real socket. Above all: what may have
happened is never repeated. A new adapter gets an entry in `crm_adapters.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from engine.crm import Capability, Crm, Customer, CustomerFilter, Interaction
from engine.crm.adapters import from_settings
from engine.errors import (
    Ambiguous,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
    VendorError,
)
from engine.settings import Settings
from tests.contracts.crm_adapters import ADAPTERS, SEEDS, TODAY, Adapter
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.world import Fault, World

LEAD = {"name": "Rachel Sandberg", "email": "rachel@example.com", "services": ("snow_removal",)}
SOON = {"timeout": 5.0}
NOBODY = "999999"
UNSIGNED = CustomerFilter(
    status="past", services=("fertilizer", "weed_control"), not_signed_for_season="lawn-2027"
)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.kind)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param


@pytest.fixture
def world(tmp_path: Path, adapter: Adapter) -> World:
    world = World(tmp_path / "world.db")
    adapter.load(world, SEEDS)
    return world


@pytest.fixture
def url(world: World, adapter: Adapter) -> Iterator[str]:
    app = create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))
    adapter.watch(app)
    with serve(app) as base:
        yield f"{base}/{adapter.vendor}"


def connect(adapter: Adapter, url: str, key: str = "local-crm-key") -> Crm:
    crm = from_settings(
        Settings(crm_kind=adapter.kind, crm_base_url=url, crm_api_key=key, **adapter.settings)  # type: ignore[arg-type]
    )
    assert crm is not None
    return crm


@pytest.fixture
def crm(adapter: Adapter, url: str) -> Crm:
    return connect(adapter, url)


@pytest.fixture
def anna(crm: Crm) -> Customer:
    return customer(crm, "anna.lindqvist@example.com")


def customer(crm: Crm, email: str) -> Customer:
    found = crm.find_customer(email=email, **SOON)
    assert found is not None
    return found


def failure(call: Any, *args: Any, **kwargs: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call(*args, **SOON | kwargs)
    return caught.value


WRITES = ("upsert_lead", "update_customer", "log_interaction", "opt_out")
write_by_write = pytest.mark.parametrize("write", WRITES)


def written(crm: Crm, anna: Customer, write: str) -> tuple[Any, ...]:
    """The write's method and arguments."""
    given: dict[str, tuple[Any, ...]] = {
        "upsert_lead": (LEAD,),
        "update_customer": (anna.id, {"city": "Edina"}),
        "log_interaction": (anna.id, Interaction("call", "No answer")),
        "opt_out": (anna.id,),
    }
    return getattr(crm, write), *given[write]


def writes_received(world: World, adapter: Adapter, write: str) -> int:
    received = world.requests(adapter.vendor, adapter.writes[write])
    return sum(one["method"] in ("POST", "PATCH") for one in received)


# -- reads ------------------------------------------------------------------------------


def test_without_an_address_there_is_no_crm(adapter: Adapter):
    settings = Settings(crm_kind=adapter.kind, crm_base_url="")  # type: ignore[arg-type]
    assert from_settings(settings) is None


def test_reading_a_customer(crm: Crm, anna: Customer):
    assert crm.get_customer(anna.id, **SOON) == anna
    assert (anna.name, anna.city, anna.status) == ("Anna Lindqvist", "Minneapolis", "past")
    assert anna.services == ("fertilizer", "weed_control")
    assert anna.last_service_at == date(2025, 10, 2)
    assert anna.signed_seasons == ("lawn-2025",)


def test_who_is_not_there_is_none(crm: Crm):
    assert crm.get_customer(NOBODY, **SOON) is None
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
def test_finding_a_customer_by_address_or_number(crm: Crm, anna: Customer, by: dict[str, str]):
    found = crm.find_customer(**by, **SOON)
    assert found is not None
    assert (found.id, found.email) == (anna.id, "anna.lindqvist@example.com")


def pages(crm: Crm, wanted: CustomerFilter, per_page: int) -> list[Customer]:
    number: int | None = 1
    seen: list[Customer] = []
    while number is not None:
        page = crm.list_customers(wanted, page=number, per_page=per_page, **SOON)
        assert (page.page, page.per_page) == (number, per_page)
        seen += page.items
        assert page.total >= len(seen)
        number = page.next_page
    return seen


@pytest.mark.parametrize("per_page", [7, 10, 200])
def test_listing_past_customers_page_by_page(crm: Crm, per_page: int):
    seen = pages(crm, UNSIGNED, per_page)
    assert len({one.id for one in seen}) == len(seen) > 20
    for one in seen:
        assert one.status == "past"
        assert "lawn-2027" not in one.signed_seasons
        assert {"fertilizer", "weed_control"} & set(one.services)


def test_who_signed_for_nothing_has_not_signed_for_this_season(crm: Crm):
    crm.upsert_lead({"email": "new@example.com", "services": ["mowing"]}, key="k", **SOON)
    wanted = CustomerFilter(status="lead", services=("mowing",), not_signed_for_season="lawn-2026")
    assert [one.email for one in pages(crm, wanted, 50)] == ["new@example.com"]


def test_filters_narrow_together(crm: Crm):
    before = CustomerFilter(last_service_before=date(2025, 1, 1), city="Crystal")
    assert [c.name for c in crm.list_customers(before, **SOON).items] == ["Steve Lundgren"]
    assert crm.list_customers(CustomerFilter(status="active"), **SOON).total == 2
    assert crm.list_customers(CustomerFilter(), **SOON).total == 40


def test_overdue_invoices_are_exact_or_refused_by_name(crm: Crm):
    if "invoices" not in crm.capabilities():
        error = failure(crm.list_overdue_invoices, as_of=TODAY)
        assert (type(error), error.detail) == (Refused, "unsupported: invoices")
        error = failure(crm.get_invoice, "INV-2041", as_of=TODAY)
        assert (type(error), error.detail) == (Refused, "unsupported: invoices")
        return
    invoices, more = crm.list_overdue_invoices(as_of=TODAY, **SOON)
    assert more is None
    assert len(invoices) == 6
    assert sum(one.amount for one in invoices) == Decimal("1981.25")
    assert invoices[0].due_on == date(2026, 10, 20)
    assert invoices[0].currency == "USD"
    assert crm.get_invoice(invoices[0].id, as_of=TODAY, **SOON) == invoices[0]
    assert crm.get_invoice("nothing", as_of=TODAY, **SOON) is None


# -- a list that breaks off in the middle -----------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (503, Unreachable), (401, Unauthorised)]
)
def test_a_page_that_fails_is_that_pages_failure(
    crm: Crm, world: World, adapter: Adapter, status: int, kind: type[VendorError]
):
    whole = [one.id for one in pages(crm, UNSIGNED, 200)]
    first = crm.list_customers(UNSIGNED, page=1, per_page=10, **SOON)
    world.order(Fault(adapter.vendor, "answer", path="search", status=status))
    error = failure(crm.list_customers, UNSIGNED, page=2, per_page=10)
    assert type(error) is kind
    second = crm.list_customers(UNSIGNED, page=2, per_page=10, **SOON)
    third = crm.list_customers(UNSIGNED, page=3, per_page=10, **SOON)
    assert [one.id for one in (*first.items, *second.items, *third.items)] == whole[:30]


# -- writes -----------------------------------------------------------------------------


def test_a_lead_is_made_once_and_then_kept_up_to_date(crm: Crm, world: World, adapter: Adapter):
    made = crm.upsert_lead(LEAD | {"quoted_at": None}, key="task-1.lead", **SOON)
    assert (made.status, made.services) == ("lead", ("snow_removal",))
    again = crm.upsert_lead({"email": "Rachel@example.com", "city": "Richfield"}, key="k2", **SOON)
    assert again.id == made.id
    assert (again.name, again.city) == ("Rachel Sandberg", "Richfield")
    assert world.count(adapter.customers) == 41


def test_a_lead_without_an_address_is_known_by_the_number(crm: Crm, anna: Customer):
    known = crm.upsert_lead({"phone": "(612) 555-0101", "city": "Edina"}, key="k1", **SOON)
    assert known.id == anna.id
    other = crm.upsert_lead({"name": "Pat Nowhere"}, key="k2", **SOON)
    assert other.id not in (anna.id, "")
    assert other.status == "lead"


def test_who_is_a_customer_already_keeps_the_status(crm: Crm, anna: Customer):
    lead = {"email": anna.email, "status": "lead", "source": "the web form"}
    crm.upsert_lead(lead, key="k", **SOON)
    assert customer(crm, anna.email).status == "past"


def test_a_write_to_a_customer(crm: Crm, world: World):
    mike = customer(crm, "mike.h@example.com")
    changed = crm.update_customer(mike.id, {"name": "Mike Hall"}, key="k1", **SOON)
    assert changed.name == "Mike Hall"
    quoted = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    day = {"last_service_at": date(2026, 10, 1), "quoted_at": quoted, "signed_seasons": ["a", "b"]}
    crm.update_customer(mike.id, day, key="k2", **SOON)
    crm.opt_out(mike.id, key="k3", **SOON)
    after = crm.get_customer(mike.id, **SOON)
    assert after is not None
    assert after.opted_out
    assert (after.name, after.last_service_at, after.quoted_at) == (
        "Mike Hall", date(2026, 10, 1), quoted,
    )  # fmt: skip
    assert after.signed_seasons == ("a", "b")


def test_what_happened_is_listed_newest_first(crm: Crm, anna: Customer):
    noon = datetime(2026, 11, 20, 18, tzinfo=UTC)
    for n, text in enumerate(("First", "Second & <b>bold</b>", "Third\nin two lines")):
        noted = Interaction("email_sent", text, at=noon + timedelta(hours=n))
        crm.log_interaction(anna.id, noted, key=f"k{n}", **SOON)
    seen = crm.list_interactions(anna.id, limit=2, **SOON)
    assert [one.summary for one in seen] == ["Third\nin two lines", "Second & <b>bold</b>"]
    assert {one.kind for one in seen} == {"email_sent"}
    assert seen[0].at == noon + timedelta(hours=2)
    assert crm.list_interactions(NOBODY, limit=5, **SOON) == ()
    other = customer(crm, "mike.h@example.com")
    assert crm.list_interactions(other.id, limit=5, **SOON) == ()


def test_it_can_do_all_or_says_what_not(crm: Crm):
    assert crm.capabilities() <= set(get_args(Capability))
    assert {"find_by_key", "interactions", "services", "signed_seasons"} <= crm.capabilities()


@pytest.mark.parametrize("key", ["0199-ab.lead", "a/b c?d", "ключ", "x" * 200])
def test_what_was_done_under_a_key_can_be_found(crm: Crm, key: str):
    made = crm.upsert_lead(LEAD, key=key, **SOON)
    assert crm.find_by_key(key, **SOON) == made.id
    assert crm.find_by_key(f"{key}.", **SOON) is None
    noted = crm.log_interaction(made.id, Interaction("call", "No answer"), key=f"{key}n", **SOON)
    assert crm.find_by_key(f"{key}n", **SOON) == noted


def test_the_same_key_again_changes_nothing(crm: Crm, world: World, adapter: Adapter):
    anna = customer(crm, "anna.lindqvist@example.com")
    noted = Interaction("call", "No answer", at=datetime(2026, 11, 20, tzinfo=UTC))
    first = crm.log_interaction(anna.id, noted, key="k", **SOON)
    assert crm.log_interaction(anna.id, noted, key="k", **SOON) == first
    assert world.count(adapter.interactions) == 1
    nameless = {"name": "Pat Nowhere"}
    made = crm.upsert_lead(nameless, key="k2", **SOON)
    assert crm.upsert_lead(nameless, key="k2", **SOON).id == made.id
    assert world.count(adapter.customers) == 41


# -- what may have happened ---------------------------------------------------------------


@write_by_write
def test_dropped_before_it_was_done(
    crm: Crm, world: World, adapter: Adapter, anna: Customer, write: str
):
    call = written(crm, anna, write)
    world.order(Fault(adapter.vendor, "drop_before", path=adapter.writes[write]))
    assert isinstance(failure(*call, key="k"), Ambiguous)
    assert writes_received(world, adapter, write) == 1
    assert crm.find_by_key("k", **SOON) is None


@write_by_write
def test_dropped_after_it_was_done(
    crm: Crm, world: World, adapter: Adapter, anna: Customer, write: str
):
    call = written(crm, anna, write)
    world.order(Fault(adapter.vendor, "drop_after", path=adapter.writes[write]))
    assert isinstance(failure(*call, key="k"), Ambiguous)
    assert writes_received(world, adapter, write) == 1
    assert crm.find_by_key("k", **SOON)


@write_by_write
def test_no_answer_in_time(crm: Crm, world: World, adapter: Adapter, anna: Customer, write: str):
    call = written(crm, anna, write)
    world.order(Fault(adapter.vendor, "slow", path=adapter.writes[write], seconds=3))
    error = failure(*call, key="k", timeout=1)
    assert isinstance(error, Ambiguous)
    assert error.detail == "timeout"
    assert writes_received(world, adapter, write) == 1


def test_a_read_without_an_answer_may_be_made_again(
    crm: Crm, world: World, adapter: Adapter, anna: Customer
):
    world.order(Fault(adapter.vendor, "slow", seconds=3))
    assert type(failure(crm.get_customer, anna.id, timeout=0.5)) is Unreachable
    world.order(Fault(adapter.vendor, "drop_before"))
    assert type(failure(crm.get_customer, anna.id)) is Unreachable


def test_nobody_there_is_unreachable(adapter: Adapter):
    crm = connect(adapter, "http://127.0.0.1:1")
    assert isinstance(failure(crm.get_customer, NOBODY), Unreachable)
    assert isinstance(failure(crm.upsert_lead, LEAD, key="k"), Unreachable)


# -- what is refused ----------------------------------------------------------------------


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
def test_each_status_has_its_name(
    crm: Crm, world: World, adapter: Adapter, anna: Customer, status: int, kind: type[VendorError]
):
    for body in ("", "<h1>Anna</h1>", '{"error": {"code": "Anna Lindqvist"}, "category": 7}', "[]"):
        for call in (
            (crm.get_customer, anna.id),
            (crm.list_customers, CustomerFilter()),
            (crm.list_interactions, anna.id),
        ):
            world.order(Fault(adapter.vendor, "answer", status=status, body=body))
            more = {"limit": 3} if call[0] == crm.list_interactions else {}
            error = failure(*call, **more)
            assert (type(error), error.detail) == (kind, f"http_{status}")
        for write in WRITES:
            call = written(crm, anna, write)
            path = adapter.writes[write]
            world.order(Fault(adapter.vendor, "answer", path=path, status=status, body=body))
            error = failure(*call, key="k")
            assert (type(error), error.detail) == (kind, f"http_{status}")


def test_the_wrong_key_is_not_accepted(adapter: Adapter, url: str):
    error = failure(connect(adapter, url, "other").get_customer, NOBODY)
    assert isinstance(error, Unauthorised)
    assert error.detail in ("bad_key", "invalid_authentication")


def test_a_wrong_address_is_not_an_absent_customer(adapter: Adapter, url: str):
    crm = connect(adapter, f"{url}/v7")
    assert isinstance(failure(crm.get_customer, NOBODY), Refused)
    assert isinstance(failure(crm.find_customer, email="nobody@example.com"), Refused)
    assert isinstance(failure(crm.find_by_key, "k"), Refused)


def test_a_write_to_nobody_is_refused(crm: Crm):
    noted = Interaction("call", "No answer")
    for call in (
        (crm.update_customer, NOBODY, {"city": "Edina"}),
        (crm.opt_out, NOBODY),
        (crm.log_interaction, NOBODY, noted),
    ):
        error = failure(*call, key="k")
        assert (type(error), error.detail) in (
            (Refused, "not_found"),
            (Refused, "object_not_found"),
        )


def test_a_field_that_it_does_not_know_is_named(crm: Crm, anna: Customer):
    error = failure(crm.update_customer, anna.id, {"colour": "red"}, key="k")
    assert (type(error), error.detail) == (Refused, "unknown_field: colour")
    error = failure(crm.upsert_lead, LEAD | {"colour": "red"}, key="k")
    assert (type(error), error.detail) == (Refused, "unknown_field: colour")


@pytest.mark.parametrize("customer_id", ["", ".", ".."])
def test_an_id_that_is_none_asks_for_nothing(
    crm: Crm, world: World, adapter: Adapter, customer_id: str
):
    for call in (crm.get_customer, crm.opt_out):
        more = {} if call == crm.get_customer else {"key": "k"}
        assert isinstance(failure(call, customer_id, **more), Refused)
    assert isinstance(
        failure(crm.log_interaction, customer_id, Interaction("a", "b"), key="k"), Refused
    )
    assert world.requests(adapter.vendor) == []


def test_an_id_is_opaque(crm: Crm):
    assert crm.get_customer("a?c#d é", **SOON) is None


@write_by_write
def test_the_crm_says_how_long_to_wait(
    crm: Crm, world: World, adapter: Adapter, anna: Customer, write: str
):
    call = written(crm, anna, write)
    path, headers = adapter.writes[write], {"Retry-After": "42"}
    world.order(Fault(adapter.vendor, "answer", path=path, status=429, headers=headers))
    error = failure(*call, key="k")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 42
    assert writes_received(world, adapter, write) == 1
    call[0](*call[1:], key="k", **SOON)


def test_without_a_word_on_how_long_it_waits_a_while(crm: Crm, world: World, adapter: Adapter):
    world.order(Fault(adapter.vendor, "answer", status=429))
    error = failure(crm.get_customer, NOBODY)
    assert isinstance(error, RateLimited)
    assert 1 <= error.retry_after <= 60


# -- answers outside the contract -----------------------------------------------------------

BROKEN = [
    ('{"data": {"id": "C-', "application/json"),
    ('{"results": [', "application/json"),
    ("<html>Sign in</html>", "text/html"),
    ('{"data": {"id": "1"}, "id": "1", "results": []}', "text/html"),
    ("", "application/json"),
    ("\xff", "application/json"),
]


@pytest.mark.parametrize(("body", "content_type"), BROKEN)
def test_a_broken_answer_may_be_read_again_but_not_written_again(
    crm: Crm, world: World, adapter: Adapter, anna: Customer, body: str, content_type: str
):
    headers = {"Content-Type": content_type}
    broken: dict[str, Any] = {"status": 200, "body": body, "headers": headers}
    world.order(Fault(adapter.vendor, "answer", **broken))
    error = failure(crm.get_customer, anna.id)
    assert (type(error), error.detail) == (Unreachable, "not_json")
    for write in WRITES:
        call = written(crm, anna, write)
        world.order(Fault(adapter.vendor, "answer", path=adapter.writes[write], **broken))
        error = failure(*call, key="k")
        assert (type(error), error.detail) == (Ambiguous, "not_json")


@pytest.mark.parametrize("body", ['{"data": [], "results": 7}', '{"name": "No id"}', "[]", "null"])
def test_an_answer_of_another_form_is_not_guessed_at(
    crm: Crm, world: World, adapter: Adapter, anna: Customer, body: str
):
    world.order(Fault(adapter.vendor, "answer", status=200, body=body))
    error = failure(crm.get_customer, anna.id)
    assert type(error) is Refused
    assert error.detail.startswith("bad_reply")
    for write in WRITES:
        call = written(crm, anna, write)
        path = adapter.writes[write]
        world.order(Fault(adapter.vendor, "answer", path=path, status=200, body=body))
        error = failure(*call, key="k")
        assert isinstance(error, Ambiguous)
        assert error.detail.startswith("bad_reply")
