"""Which adapter `CRM_KIND` names: a dict written by hand. Without an address, none."""

from __future__ import annotations

from collections.abc import Callable

from engine.crm import Crm, hubspot, json_contract
from engine.settings import Settings

ADAPTERS: dict[str, Callable[[Settings], Crm]] = {
    "json": json_contract.from_settings,
    "hubspot": hubspot.from_settings,
}


def from_settings(settings: Settings) -> Crm | None:
    """The CRM, or None where there is none."""
    return ADAPTERS[settings.crm_kind](settings) if settings.crm_base_url else None
