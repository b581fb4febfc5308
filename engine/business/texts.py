"""What is said of the company: under a customer's mail, and to the model."""

from __future__ import annotations

import re

from engine.business.company import FOOTER_FIELDS, Business


def footer(business: Business, *, commercial: bool, unsubscribe_url: str = "") -> str:
    """What stands under a mail's text: the signature, who sends it, and for commercial mail
    how to have no more of it. The line on unsubscribing needs the recipient's own link."""
    values = {name: _one_line(getattr(business, name)) for name in FOOTER_FIELDS}
    parts = [business.signature.strip(), "", business.footer.format(**values).strip()]
    if commercial and unsubscribe_url:
        line = business.unsubscribe.format(unsubscribe_url=unsubscribe_url, name=business.name)
        parts.append(line.strip())
    return "\n".join(parts)


def introduction(business: Business) -> str:
    """What every agent knows of the company; it stands in the cached part of a prompt."""
    offered = "\n".join(
        f"- {service.name} ({service.season} season): {_prose(service.description)}"
        for service in business.services
    )
    parts = [
        f"The company is {business.name}. {_prose(business.about)}",
        f"It offers:\n{offered}",
        f"How it speaks to customers: {_prose(business.tone)}" if business.tone else "",
        "The signature and the footer are put under every mail: do not write them.",
    ]
    return "\n".join(part.strip() for part in parts if part)


def _one_line(text: str) -> str:
    """An address that was written in lines."""
    return re.sub(r"\s*\n\s*", ", ", text.strip())


def _prose(text: str) -> str:
    return " ".join(text.split())
