"""The stand-in for HubSpot: the parts of its CRM API that `engine/crm/hubspot.py` uses.

Base URL: <this server>/hubspot. Contacts and notes by id or by a property with unique
values, batch upsert, associations, and a search that may lag behind what was written
(`hubspot_portal.lag_search`). Like HubSpot it keeps no idempotency keys.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request

from web.local import hubspot_portal as portal
from web.local import local_settings
from web.local.crm_seeds import load_customers
from web.local.hubspot_portal import MAPPED, Wrong, checked, shown
from web.local.hubspot_search import search
from web.local.world import World

blueprint = Blueprint("hubspot", __name__, url_prefix="/hubspot")
_writing = threading.Lock()


@blueprint.before_request
def _authorise() -> None:
    if request.headers.get("Authorization") != f"Bearer {local_settings().crm_api_key}":
        raise Wrong(401, "INVALID_AUTHENTICATION")


@blueprint.errorhandler(Wrong)
def _refuse(wrong: Wrong) -> Response:
    return wrong.response()


@blueprint.post("/crm/v3/objects/contacts/search")
def search_contacts() -> Response:
    return jsonify(search(_sent()))


@blueprint.get("/crm/v3/objects/<any(contacts,notes):objects>/<path:value>")
def get_object(objects: str, value: str) -> Response:
    asked = request.args.get("properties")
    found = portal.get(objects, value, request.args.get("idProperty", ""))
    return jsonify(shown(found, asked.split(",") if asked else []))


@blueprint.post("/crm/v3/objects/contacts")
def create_contact() -> Response:
    with _writing:
        made = portal.make("contacts", checked("contacts", _sent().get("properties")))
    return _made(shown(made, None))


@blueprint.patch("/crm/v3/objects/contacts/<value>")
def update_contact(value: str) -> Response:
    properties = checked("contacts", _sent().get("properties"))
    with _writing:
        changed = portal.write("contacts", portal.get("contacts", value), properties)
    return jsonify(shown(changed, list(properties)))


@blueprint.post("/crm/v3/objects/contacts/batch/upsert")
def upsert_contacts() -> Response:
    results = []
    for one in _sent()["inputs"]:
        properties = checked("contacts", one["properties"])
        with _writing:
            try:
                known = portal.get("contacts", one["id"], one["idProperty"])
            except Wrong as wrong:
                if wrong.status != 404:
                    raise
                made = portal.make("contacts", {one["idProperty"]: one["id"]} | properties)
            else:
                made = portal.write("contacts", known, properties)
        results.append(shown(made, list(properties)))
    return jsonify(status="COMPLETE", results=results)


@blueprint.post("/crm/v3/objects/notes")
def create_note() -> Response:
    sent = _sent()
    about = [str(one["to"]["id"]) for one in sent.get("associations", ())]
    for contact in about:
        portal.get("contacts", contact)
    with _writing:
        made = portal.make("notes", checked("notes", sent.get("properties")), contacts=about)
    return _made(shown(made, None))


@blueprint.post("/crm/v3/objects/notes/batch/read")
def read_notes() -> Response:
    sent = _sent()
    if len(sent["inputs"]) > 100:
        raise Wrong(400, "VALIDATION_ERROR")
    found = [portal.get("notes", one["id"]) for one in sent["inputs"]]
    results = [shown(one, sent["properties"]) for one in found]
    return jsonify(status="COMPLETE", results=results)


@blueprint.get("/crm/v4/objects/contacts/<value>/associations/notes")
def notes_of_contact(value: str) -> Response:
    portal.get("contacts", value)
    kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 201, "label": None}]
    about = [one for one in portal.all_of("notes") if value in one["contacts"]]
    results = [{"toObjectId": int(one["id"]), "associationTypes": kinds} for one in about]
    return jsonify(results=results[: int(request.args.get("limit", 500))])


@blueprint.get("/crm/v4/associations/notes/contacts/labels")
def labels() -> Response:
    return jsonify(results=[{"category": "HUBSPOT_DEFINED", "typeId": 202, "label": None}])


@blueprint.get("/crm/v3/properties/<objects>/<name>")
def property_of(objects: str, name: str) -> Response:
    if objects not in portal.UNIQUE or name not in portal.PROPERTIES[objects]:
        raise portal.absent()
    return jsonify(name=name, hasUniqueValue=name in portal.UNIQUE[objects])


def _made(answer: dict[str, Any]) -> Response:
    response = jsonify(answer)
    response.status_code = 201
    return response


def _sent() -> Any:
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise Wrong(400, "VALIDATION_ERROR") from None


def load_contacts(world: World, file: Path, **more: Any) -> int:
    """The customers of the other CRM's seeds as contacts, with their ids' numbers."""
    loaded = load_customers(world, file, **more)
    for customer in world.all("crm_customer"):
        number = customer["id"].removeprefix("C-")
        first, _, last = customer["name"].partition(" ")
        properties = {"firstname": first, "lastname": last}
        properties |= {n: customer[n] or "" for n in ("email", "phone", "address", "city")}
        for field, name in MAPPED.items():
            properties[name] = _written(customer.get(field))
        contact = {"id": number, "properties": properties, "indexed": properties}
        world.put("hubspot_contacts", number, contact | {"changed_at": 0.0})
    return loaded


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else value or ""
