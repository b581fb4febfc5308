"""The stand-in answers as the OpenAPI file says, and the file says what is in the code."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import httpx
import pytest

from tests.crm.openapi import FILE, complaints, document, resolved, response_schema
from web.local import LocalSettings, crm, crm_fields
from web.local.crm_seeds import load_customers
from web.local.world import World

SEEDS = FILE.parents[2] / "seeds" / "local" / "customers.yaml"
KEY = LocalSettings(engine_url="").crm_api_key


class Caller:
    """Makes requests and holds each answer to the file."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {KEY}"}
        )

    def __call__(self, method: str, path: str, key: str = "", **request: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        response = self.client.request(method, path, headers=headers, **request)
        schema = response_schema(method, path, response.status_code)
        assert complaints(schema, response.json()) == []
        return response


@pytest.fixture
def call(url: str, world: World) -> Caller:
    load_customers(world, SEEDS, today=date(2026, 11, 23))
    return Caller(url)


def code(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("field", "")


def test_every_answer_has_the_form_that_the_file_gives(call: Caller):
    lead = call("POST", "/customers", "k1", json={"name": "Rachel", "email": "r@example.com"})
    assert lead.status_code == 201
    path = f"/customers/{lead.json()['data']['id']}"
    assert call("GET", path).json() == lead.json()
    assert call("PATCH", path, "k2", json={"city": "Edina"}).json()["data"]["city"] == "Edina"
    assert call("PATCH", f"{path}/opt-out", "k3", json={"opted_out": True}).is_success
    noted = {"kind": "email_sent", "summary": "A quote", "at": "2026-11-23T10:00:00-06:00"}
    assert call("POST", f"{path}/interactions", "k4", json=noted).status_code == 201
    [listed] = call("GET", f"{path}/interactions").json()["data"]
    assert listed["summary"] == "A quote"
    assert call("GET", "/effects/k4").json()["data"]["resource"] == "interaction"
    assert call("GET", "/customers", params={"email": "R@example.com"}).json()["meta"]["total"] == 1
    assert call("GET", "/customers/search", params={"status": "past"}).is_success
    overdue = call("GET", "/invoices/overdue", params={"as_of": "2026-11-23"}).json()["data"]
    assert [one["due_on"] for one in overdue] == sorted(one["due_on"] for one in overdue)
    assert len(overdue) == 6
    one = call("GET", f"/invoices/{overdue[0]['id']}").json()["data"]
    assert one == overdue[0] | {"paid": False}


def test_every_error_has_the_form_that_the_file_gives(call: Caller):
    assert code(call("GET", "/customers/nobody")) == (404, "not_found", "")
    assert code(call("GET", "/invoices/none")) == (404, "not_found", "")
    assert code(call("GET", "/effects/never")) == (404, "not_found", "")
    unkeyed = call("POST", "/customers", json={"name": "R"})
    assert code(unkeyed) == (400, "missing", "Idempotency-Key")
    for body, field in (
        ({"nickname": "R"}, "nickname"),
        ({"status": "friend"}, "status"),
        ({"services": "mowing"}, "services"),
        ({"last_service_at": "May"}, "last_service_at"),
        ({"quoted_at": "2026-11-23T10:00:00"}, "quoted_at"),
    ):
        wrong = code(call("PATCH", "/customers/C-1001", "k", json=body))
        assert wrong in ((422, "invalid", field), (422, "unknown_field", field))
    assert code(call("GET", "/customers/search", params={"page": "0"}))[1:] == ("invalid", "page")
    assert code(call("GET", "/invoices/overdue"))[1:] == ("missing", "as_of")
    call.client.headers["Authorization"] = "Bearer other"
    assert code(call("GET", "/customers/C-1001")) == (401, "bad_key", "")


def test_a_key_is_honoured_once_and_for_all(call: Caller):
    lead = {"name": "Rachel", "email": "rachel@example.com"}
    first = call("POST", "/customers", "one", json=lead)
    again = call("POST", "/customers", "one", json=lead)
    assert again.json() == first.json()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    other = call("POST", "/customers", "one", json=lead | {"city": "Edina"})
    assert code(other) == (422, "key_reused", "Idempotency-Key")
    assert call("POST", "/customers", "two", json=lead).status_code == 200


def test_filters_narrow_together(call: Caller):
    def found(**filters: str) -> list[dict[str, Any]]:
        return call("GET", "/customers/search", params=filters | {"per_page": "200"}).json()["data"]

    everyone = found()
    assert len(everyone) == 40
    unsigned = found(services="fertilizer,weed_control", not_signed_for_season="lawn-2027")
    assert 20 < len(unsigned) < 40
    assert all("lawn-2027" not in one["signed_seasons"] for one in unsigned)
    assert all({"fertilizer", "weed_control"} & set(one["services"]) for one in unsigned)
    assert {one["city"] for one in found(city="edina")} == {"Edina"}
    old = found(last_service_before="2025-01-01")
    assert old
    assert all(one["last_service_at"] < "2025-01-01" for one in old)


def test_pages_cover_everyone_once(call: Caller):
    seen: list[str] = []
    for page in range(1, 6):
        body = call("GET", "/customers/search", params={"page": page, "per_page": 9}).json()
        seen += [one["id"] for one in body["data"]]
    assert len(seen) == len(set(seen)) == body["meta"]["total"] == 40


def test_the_file_and_the_stand_in_name_the_same_paths():
    def rules(function: Any) -> str:
        return re.sub(r"<(?:path:)?(?:customer_|invoice_)?(\w+)>", r"{\1}", function)

    from flask import Flask

    app = Flask("paths")
    app.register_blueprint(crm.blueprint)
    served = {
        (rules(rule.rule).removeprefix("/crm/api/v1"), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("crm.")
        for method in rule.methods or ()
        if method in {"GET", "POST", "PATCH"}
    }
    written = {
        (path, method.upper())
        for path, item in document()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert served == written


def test_the_file_and_the_stand_in_name_the_same_fields():
    schemas = document()["components"]["schemas"]
    assert set(schemas["CustomerFields"]["properties"]) == set(crm_fields.CUSTOMER)
    assert set(schemas["InteractionFields"]["properties"]) == set(crm_fields.INTERACTION)
    assert set(schemas["Customer"]["properties"]) == set(crm_fields.blank_customer("C"))
    assert set(schemas["Status"]["enum"]) == set(crm_fields.STATUSES)


def test_every_reference_in_the_file_leads_somewhere():
    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                resolved(part)
            for inner in part.values():
                walk(inner)
        if isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(document())


def test_loading_the_seeds_again_adds_nobody(world: World):
    assert load_customers(world, SEEDS) == load_customers(world, SEEDS) == 40
    customers = world.all("crm_customer")
    assert len(customers) == 40
    assert any(one["opted_out"] for one in customers)
    assert any(one["email"] is None for one in customers)
    assert any(one["name"] == "MIKE" for one in customers)
    assert not any("{" in str(one) for one in (c["last_service_at"] for c in customers))
