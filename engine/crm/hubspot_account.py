"""What the adapter takes for granted of a HubSpot account, looked up there by `bin/engine check`.

Nothing is written: the kind of association between notes and contacts, and whether the
property for `key` has unique values on both. One line for each thing that is otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from engine.crm.calls import Patience, part
from engine.crm.hubspot_contacts import Properties
from engine.crm.hubspot_objects import Objects
from engine.errors import Refused

# The kind that HubSpot itself gives to a note about a contact.
NOTE_TO_CONTACT = 202


class _Label(BaseModel):
    category: str
    typeId: int  # as HubSpot writes it


class _Labels(BaseModel):
    results: tuple[_Label, ...]


class _Property(BaseModel):
    hasUniqueValue: bool = False  # as HubSpot writes it


def problems(objects: Objects, properties: Properties, patience: Patience) -> Iterator[str]:
    yield from _association(objects, patience)
    key = properties.names.get("key", "")
    for kind in ("contacts", "notes") if key else ():
        try:
            path = f"/crm/v3/properties/{kind}/{part(key)}"
            found = objects.present(path, _Property, patience, {})
        except Refused as refused:
            yield f"the property {key} of {kind} could not be looked up ({refused.detail})"
            continue
        if found is None:
            yield f"{kind} have no property {key}: make it, or take key out of HUBSPOT_PROPERTIES"
        elif not found.hasUniqueValue:
            yield (
                f"the property {key} of {kind} does not have unique values: make one that does, or"
                " take key out of HUBSPOT_PROPERTIES"
            )


def _association(objects: Objects, patience: Patience) -> Iterator[str]:
    try:
        found = objects.present("/crm/v4/associations/notes/contacts/labels", _Labels, patience, {})
    except Refused as refused:
        yield f"the associations of notes could not be looked up ({refused.detail})"
        return
    known = found.results if found else ()
    if not any((one.category, one.typeId) == ("HUBSPOT_DEFINED", NOTE_TO_CONTACT) for one in known):
        yield (
            f"notes are not associated with contacts by type {NOTE_TO_CONTACT} in this account:"
            " set log_interaction steps aside and report it"
        )
