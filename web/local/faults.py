"""Faults to order from a page or a program, and the ones that happen most in life."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from web.local import VENDORS
from web.local.world import Fault, FaultKind

PRESETS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "Slack: post carried out, answer lost",
        {"vendor": "slack", "kind": "drop_after", "path": "chat.postMessage"},
    ),
    (
        "Slack: 429, wait 5 s",
        {"vendor": "slack", "kind": "answer", "status": 429, "retry_after": 5},
    ),
    (
        "Slack: down for ten calls",
        {"vendor": "slack", "kind": "answer", "status": 503, "times": 10},
    ),
    (
        "Claude: 529 overloaded",
        {"vendor": "claude", "kind": "answer", "status": 529, "retry_after": 5},
    ),
    ("Claude: 20 s slow", {"vendor": "claude", "kind": "slow", "seconds": 20}),
    ("Mail: sent, answer lost", {"vendor": "ses", "kind": "drop_after"}),
    ("Mail: connection dropped before", {"vendor": "ses", "kind": "drop_before"}),
    ("CRM: answer cut in half", {"vendor": "crm", "kind": "truncate"}),
    ("CRM: down for ten calls", {"vendor": "crm", "kind": "answer", "status": 503, "times": 10}),
)


def read_fault(given: Mapping[str, Any]) -> Fault:
    """A fault from untyped fields; ValueError says what is wrong with them."""
    vendor, kind = str(given.get("vendor") or ""), str(given.get("kind") or "")
    if vendor not in VENDORS:
        raise ValueError(f"vendor: one of {', '.join(VENDORS)}")
    if kind not in get_args(FaultKind):
        raise ValueError(f"kind: one of {', '.join(get_args(FaultKind))}")
    headers = given.get("headers") or {}
    if isinstance(headers, str):
        headers = json.loads(headers)
    if given.get("retry_after"):
        headers = {**headers, "Retry-After": str(given["retry_after"])}
    return Fault(
        vendor=vendor,
        kind=kind,  # pyright: ignore[reportArgumentType]
        path=str(given.get("path") or ""),
        seconds=float(given.get("seconds") or 0),
        status=int(given.get("status") or 500),
        headers=headers,
        body=str(given.get("body") or ""),
        times=int(given.get("times") or 1),
    )
