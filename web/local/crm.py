"""The stand-in for the owner's CRM: it behaves as `engine/crm/openapi.yaml` says.

Base URL: <this server>/crm. It checks the Bearer key, honours idempotency keys, pages
and filters. What arrived twice stands twice in the world's log of requests.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from web.local import local_settings, request_world
from web.local.crm_fields import CUSTOMER, INTERACTION, Wrong, blank_customer, checked
from web.local.crm_keys import Keyed, now

blueprint = Blueprint("crm", __name__, url_prefix="/crm/api/v1")

MOST_PER_PAGE, PER_PAGE = 200, 50


@blueprint.before_request
def _authorise() -> None:
    if request.headers.get("Authorization") != f"Bearer {local_settings().crm_api_key}":
        raise Wrong("bad_key", status=401)


@blueprint.errorhandler(Wrong)
def _refuse(wrong: Wrong) -> Response:
    error = {"code": wrong.code} | ({"field": wrong.field} if wrong.field else {})
    response = jsonify(error=error)
    response.status_code = wrong.status
    return response


# -- reads ------------------------------------------------------------------------


@blueprint.get("/customers")
def find_customers() -> Response:
    email = request.args.get("email", "").strip().casefold()
    phone = _digits(request.args.get("phone", ""))
    found = [
        customer
        for customer in _customers()
        if (not email or (customer.get("email") or "").casefold() == email)
        and (not phone or _digits(customer.get("phone")) == phone)
    ]
    return _page(found)


@blueprint.get("/customers/search")
def search_customers() -> Response:
    wanted = request.args
    services = {word.strip() for word in wanted.get("services", "").split(",") if word.strip()}
    before = _day("last_service_before")
    city = wanted.get("city", "").casefold()
    found = [
        customer
        for customer in _customers()
        if wanted.get("status", customer["status"]) == customer["status"]
        and (not services or services & set(customer["services"]))
        and wanted.get("not_signed_for_season") not in customer["signed_seasons"]
        and (before is None or "" < (customer["last_service_at"] or "") < before.isoformat())
        and (not city or (customer["city"] or "").casefold() == city)
    ]
    return _page(found)


@blueprint.get("/customers/<customer_id>")
def get_customer(customer_id: str) -> Response:
    return jsonify(data=_customer(customer_id))


@blueprint.get("/customers/<customer_id>/interactions")
def list_interactions(customer_id: str) -> Response:
    _customer(customer_id)
    logged = request_world().all("crm_interaction")
    of_customer = [one for one in reversed(logged) if one["customer_id"] == customer_id]
    of_customer.sort(key=lambda one: datetime.fromisoformat(one["at"]), reverse=True)
    return _page(of_customer)


@blueprint.get("/invoices/overdue")
def list_overdue_invoices() -> Response:
    as_of = _day("as_of")
    if as_of is None:
        raise Wrong("missing", "as_of")
    invoices = request_world().all("crm_invoice")
    overdue = [one for one in invoices if not one["paid"] and one["due_on"] < as_of.isoformat()]
    overdue.sort(key=lambda one: one["due_on"])
    shown = [{name: one[name] for name in one if name != "paid"} for one in overdue]
    return _page(shown)


@blueprint.get("/invoices/<invoice_id>")
def get_invoice(invoice_id: str) -> Response:
    invoice = request_world().get("crm_invoice", invoice_id)
    if invoice is None:
        raise Wrong("not_found", status=404)
    return jsonify(data=invoice)


@blueprint.get("/effects/<path:key>")
def find_effect(key: str) -> Response:
    effect = request_world().get("crm_effect", key)
    if effect is None:
        raise Wrong("not_found", status=404)
    return jsonify(data={name: effect[name] for name in ("key", "resource", "id", "at")})


# -- writes -----------------------------------------------------------------------


@blueprint.post("/customers")
def upsert_lead() -> Response:
    fields = checked(CUSTOMER, _sent())
    with Keyed() as keyed:
        return keyed.replay() or keyed.keep("customer", *_upsert(fields))


@blueprint.patch("/customers/<customer_id>")
def update_customer(customer_id: str) -> Response:
    fields = checked(CUSTOMER, _sent())
    with Keyed() as keyed:
        return keyed.replay() or keyed.keep("customer", 200, _change(customer_id, fields))


@blueprint.patch("/customers/<customer_id>/opt-out")
def opt_out(customer_id: str) -> Response:
    fields = checked({"opted_out": (bool,)}, _sent(), required=("opted_out",))
    with Keyed() as keyed:
        return keyed.replay() or keyed.keep("customer", 200, _change(customer_id, fields))


@blueprint.post("/customers/<customer_id>/interactions")
def log_interaction(customer_id: str) -> Response:
    fields = checked(INTERACTION, _sent(), required=("kind", "summary"))
    with Keyed() as keyed:
        return keyed.replay() or keyed.keep("interaction", 201, _log(customer_id, fields))


def _upsert(fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    email = (fields.get("email") or "").casefold()
    phone = _digits(fields.get("phone"))
    for customer in _customers():
        same_email = email and (customer["email"] or "").casefold() == email
        if same_email or (not email and phone and _digits(customer["phone"]) == phone):
            changes = {name: value for name, value in fields.items() if name != "status"}
            return 200, _change(customer["id"], changes)
    if not fields.get("name") and not email and not phone:
        raise Wrong("missing", "name")
    number = request_world().next_number("crm_lead")
    return 201, _change(f"L-{number}", fields, new=True)


def _change(customer_id: str, fields: dict[str, Any], *, new: bool = False) -> dict[str, Any]:
    customer = blank_customer(customer_id) if new else _customer(customer_id)
    customer |= fields
    request_world().put("crm_customer", customer_id, customer)
    return customer


def _log(customer_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    _customer(customer_id)
    world = request_world()
    interaction = {
        "id": f"I-{world.next_number('crm_interaction')}",
        "customer_id": customer_id,
        "at": now(),
        "details": {},
    } | fields
    world.put("crm_interaction", interaction["id"], interaction)
    return interaction


# -- the rest ---------------------------------------------------------------------


def _customers() -> list[dict[str, Any]]:
    return request_world().all("crm_customer")


def _customer(customer_id: str) -> dict[str, Any]:
    customer = request_world().get("crm_customer", customer_id)
    if customer is None:
        raise Wrong("not_found", status=404)
    return customer


def _page(rows: list[dict[str, Any]]) -> Response:
    page = _count("page", 1, 10**6)
    size = _count("per_page", PER_PAGE, MOST_PER_PAGE)
    shown = rows[(page - 1) * size : page * size]
    return jsonify(data=shown, meta={"total": len(rows), "page": page, "per_page": size})


def _count(name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Wrong("invalid", name)
    return int(text)


def _day(name: str) -> date | None:
    text = request.args.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Wrong("invalid", name) from None


def _sent() -> Any:
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise Wrong("not_json", status=400) from None


def _digits(phone: str | None) -> str:
    return re.sub(r"\D", "", phone or "")[-10:]
