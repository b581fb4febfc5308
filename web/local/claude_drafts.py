"""Mails as the stand-in for the model drafts them: for the person in the facts, about the
service that was asked for, and with no price, link or promise that was not given.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.local.claude_rules import Material

SERVICES = {
    r"\bsnow(?![a-z])|plow|shovel|driveway|\bice\b": "snow removal",
    r"mow|cut(ting)? (my|the|our) (grass|lawn)": "lawn mowing",
    r"fertili": "fertilizing",
    r"weed|dandelion|crabgrass": "weed control",
    r"aerat|overseed": "aeration",
    r"leaf|leaves|clean.?up": "fall cleanup",
    r"lawn|grass|yard": "lawn care",
}
NAMES = ("customer_first_name", "customer_name", "lead_name", "email_from_name", "name")
KINDS = {
    "review": r"\breviews?\b",
    "invoice": r"invoice|overdue|payment",
    "quote": r"follow.?up|quote (that|which) we|our quote",
    "season": r"past customer|reactivat|not signed|this season|come back",
}


def draft(material: Material) -> dict[str, str]:
    """Subject and body."""
    known = [value for name, value in material.facts.items() if "service" in name]
    asked = services("\n".join([material.outside, *known]).casefold())
    service = " and ".join(asked[:2]) or "our services"
    subject, text = _text(_kind(material), service, material)
    return {"subject": subject, "body": f"{_greeting(material)}\n\n{text}"}


def confidence(material: Material) -> float:
    known = bool(_name(material)) + bool(services(material.user.casefold()))
    return (0.5 + material.surer, 0.65 + material.surer, 0.93)[known]


def services(text: str) -> list[str]:
    """What is asked for, the particular before the general."""
    found = [name for pattern, name in SERVICES.items() if re.search(pattern, text)]
    return [one for one in found if one != "lawn care" or len(found) == 1]


def _name(material: Material) -> str:
    return next((material.facts[key] for key in NAMES if material.facts.get(key)), "")


def _greeting(material: Material) -> str:
    words = _name(material).split()
    if not words:
        return "Hello,"
    # A bigger model puts a shouted name right; the small one copies it.
    first = words[0].capitalize() if material.surer and words[0].isupper() else words[0]
    return f"Hi {first},"


def _kind(material: Material) -> str:
    told = f"{material.task}\n{_procedure(material)}".casefold()
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, told)), "lead")


def _procedure(material: Material) -> str:
    found = re.search(r"^The procedure you are working in: (.*)", material.system, re.MULTILINE)
    return found[1] if found else ""


def _text(kind: str, service: str, material: Material) -> tuple[str, str]:
    facts = material.facts
    if kind == "review":
        return (
            "How did we do?",
            f"Thank you for having us do {service} for you. If you were happy with the work,"
            " a short review would help other people in the neighborhood to find us. And if"
            " something was not right, please answer this mail and we will put it right.",
        )
    if kind == "invoice":
        number = facts.get("customer_invoice_number", facts.get("invoice_number", ""))
        amount = facts.get("customer_invoice_amount", facts.get("invoice_amount", ""))
        which = f"invoice {number}" if number else "our invoice"
        over = f" over {amount}" if amount else ""
        return (
            f"A reminder about {which}",
            f"This is a friendly reminder that {which}{over} is still open. If you have paid it"
            " in the last few days, please ignore this note. If there is a question about it,"
            " just answer this mail.",
        )
    if kind == "quote":
        return (
            f"Your quote for {service}",
            f"I wanted to ask whether you had time to look at our quote for {service}. If"
            " anything is unclear, or should be different, just answer this mail and we will"
            " go through it with you.",
        )
    if kind == "season":
        return (
            f"{service.capitalize()} this season",
            f"Thank you for having us do {service} for you before. We are filling our routes for"
            " the season now, and we would be glad to have you with us again. If you would like"
            " that, just answer this mail and we will put you on the list.",
        )
    return (
        f"Your request about {service}",
        f"Thank you for writing to us about {service}. We would be glad to help. So that we can"
        " give you a proper quote, could you tell us the address and what matters most to you?"
        " We can also come by and take a look.",
    )
