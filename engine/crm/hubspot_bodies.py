"""What HubSpot answers, as far as the adapter reads it, and notes as it keeps them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from engine.crm import Interaction
from engine.crm.calls import error_body, word


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Object(_Body):
    """A contact or a note. A property that is not set is null or missing."""

    id: str = Field(min_length=1)
    properties: dict[str, str | None] = {}


class Results(_Body):
    results: tuple[Object, ...]


class Found(Results):
    """A page of a search."""

    total: int = Field(ge=0)


class Association(_Body):
    toObjectId: int  # as HubSpot writes it


class Associations(_Body):
    results: tuple[Association, ...]


_KIND = re.compile(r"<strong>(\w+)</strong>\s*(.*)", re.DOTALL)


def note(interaction: Interaction) -> dict[str, str]:
    """A note's properties; its body is HTML."""
    at = interaction.at or datetime.now(UTC)
    text = html.escape(interaction.summary, quote=False).replace("\n", "<br>")
    for name, value in interaction.details.items():
        text += f"<br>{html.escape(f'{name}: {value}', quote=False)}"
    body = f"<strong>{html.escape(interaction.kind)}</strong> {text}"
    return {"hs_timestamp": at.isoformat(), "hs_note_body": body}


def interaction(properties: Mapping[str, str | None]) -> Interaction:
    """A note, ours or one that a person wrote in HubSpot."""
    written = (properties.get("hs_note_body") or "").strip()
    ours = _KIND.fullmatch(written)
    kind, text = ours.groups() if ours else ("note", written)
    text = re.sub(r"<br\s*/?>|</p>", "\n", text)
    return Interaction(
        kind=kind,
        summary=html.unescape(re.sub(r"<[^>]*>", "", text)).strip(),
        at=_at(properties.get("hs_timestamp")),
    )


def _at(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def said(response: httpx.Response) -> str:
    """HubSpot's code for an error, and the property that it is about where it names one."""
    found = error_body(response)
    if not isinstance(found, dict):
        return ""
    policy = word(found.get("policyName"))
    if policy:
        return policy.lower()
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    first = first if isinstance(first, dict) else {}
    code = word(first.get("code")) or word(found.get("category"))
    name = word(_first(first.get("context")))
    return f"{code.lower()}: {name}" if code and name else code.lower()


def _first(context: Any) -> Any:
    """`{"propertyName": ["colour"]}`."""
    names = context.get("propertyName") if isinstance(context, dict) else None
    return names[0] if isinstance(names, list) and names else ""
