"""Whom the CRM takes somebody for, and what of that a task takes over.

What customers say of themselves stands: no look-up puts another address or name in its
place, or the answer would go to somebody else. A telephone is shared, and numbers are given
to new people; so whoever has nothing but the number in common with a record is not that
customer. The card tells of it, and a person judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.crm import Customer
from engine.crm.calls import digits
from engine.mail.addresses import same
from engine.steps.crm_lists import AGES, COLUMNS, known

GIVEN = ("customer_name", "customer_email", "customer_phone", "customer_address")
# Who has the same number in the CRM and may be somebody else; what the CRM calls this one.
PERHAPS = "customer_perhaps"
IN_CRM = "customer_name_in_crm"
OPTED_OUT = "customer_opted_out"
# What a look-up may give.
READ = (COLUMNS - AGES) | {"customer_found", PERHAPS, IN_CRM}


def found_by(
    context: Mapping[str, Any], customer: Customer | None, email: str, phone: str
) -> dict[str, Any]:
    """What a look-up by address or number has found, as context keys."""
    if customer is None:
        return {"customer_found": False} | _cleared(context)
    if _only_the_number(customer, phone) and not _is_the_same(context, customer, email):
        named = ", ".join(part for part in (customer.name, customer.email) if part)
        return {"customer_found": False} | _cleared(context) | {PERHAPS: named or customer.id}
    found = _cleared(context) | read_of(customer, kept=_given(context) | _heard(context))
    if _same_name(_text(context, "customer_name"), customer.name):
        found["customer_name"] = customer.name  # theirs, as somebody has written it with care
    if email and email.casefold() == customer.email.casefold():
        found[IN_CRM] = customer.name
    return found


def read_by_id(context: Mapping[str, Any], customer: Customer | None) -> dict[str, Any]:
    """The record of the customer whom the task is about. Where the task began with a message
    of theirs, that says better where they are to be answered."""
    if customer is None:
        return {"customer_found": False}
    given: frozenset[str] = _given(context) if context.get("email_text") else frozenset()
    return read_of(customer, kept=given | _heard(context))


def read_of(customer: Customer, kept: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the CRM does not know overwrites nothing."""
    read = {key: value for key, value in known(customer).items() if key not in kept}
    return {"customer_found": True} | read


def remarks(context: Mapping[str, Any]) -> list[str]:
    """What whoever approves a mail is to know of it."""
    perhaps, in_crm = _text(context, PERHAPS), _text(context, IN_CRM)
    found = []
    if perhaps:
        found.append(f"The CRM knows this number as {perhaps}: is it the same person?")
    if in_crm and not _same_name(_text(context, "customer_name"), in_crm):
        found.append(f"The CRM knows this address as {in_crm}.")
    return found


def to_write(context: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a lead. A customer whom the CRM knows by this address keeps the name there,
    unless it is now written in full; another one is put into the CRM by a yes of its own."""
    email, in_crm = fields.get("email", "").strip().casefold(), _text(context, IN_CRM)
    known = bool(in_crm) and email == _text(context, "customer_email").casefold()
    if not known or _same_name(in_crm, fields.get("name", "")):
        return dict(fields)
    return {name: value for name, value in fields.items() if name != "name"}


def could_be_another(context: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    """Whether these fields would be written over the record of whom they may not be."""
    return bool(context.get(PERHAPS)) and not fields.get("email", "").strip()


def _only_the_number(customer: Customer, phone: str) -> bool:
    """Whether it may have been found by that. By the address it is theirs, also where the
    record names another one first."""
    return digits(phone) == digits(customer.phone) != ""


def _is_the_same(context: Mapping[str, Any], customer: Customer, email: str) -> bool:
    if email and customer.email:
        return same(email, customer.email)
    name = _text(context, "customer_name")
    return not name or not customer.name or _same_name(name, customer.name)


def _same_name(given: str, in_crm: str) -> bool:
    """Whether the CRM's is that very name, perhaps in full: rachel, Rachel Sandberg."""
    words = given.casefold().split()
    return bool(words) and set(words) <= set(in_crm.casefold().split())


def _given(context: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(key for key in GIVEN if _text(context, key))


def _heard(context: Mapping[str, Any]) -> frozenset[str]:
    """What they have said to us the CRM may not have heard yet."""
    return frozenset({OPTED_OUT} if context.get(OPTED_OUT) else ())


def _cleared(context: Mapping[str, Any]) -> dict[str, str]:
    """An earlier look-up of this task may have found otherwise."""
    return {key: "" for key in (PERHAPS, IN_CRM) if context.get(key)}


def _text(context: Mapping[str, Any], key: str) -> str:
    return str(context.get(key) or "").strip()
