"""What the CRM stand-in takes in a body: the fields of the contract and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

STATUSES = frozenset({"lead", "active", "past", "lost"})
TEXT, MAYBE, WORDS = (str,), (str, type(None)), (list,)

CUSTOMER: dict[str, tuple[type, ...]] = {
    "name": TEXT,
    "email": MAYBE,
    "phone": MAYBE,
    "address": MAYBE,
    "city": MAYBE,
    "status": TEXT,
    "services": WORDS,
    "signed_seasons": WORDS,
    "last_service_at": MAYBE,
    "quoted_at": MAYBE,
    "source": MAYBE,
    "notes": MAYBE,
}
INTERACTION: dict[str, tuple[type, ...]] = {
    "kind": TEXT,
    "summary": TEXT,
    "at": TEXT,
    "details": (dict,),
}


class Wrong(Exception):
    """A request that the contract answers with an error."""

    def __init__(self, code: str, field: str = "", *, status: int = 422) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.status = status


def blank_customer(customer_id: str) -> dict[str, Any]:
    return {
        "id": customer_id,
        "name": "",
        "email": None,
        "phone": None,
        "address": None,
        "city": None,
        "status": "lead",
        "services": [],
        "signed_seasons": [],
        "last_service_at": None,
        "quoted_at": None,
        "opted_out": False,
        "source": None,
        "notes": None,
    }


def checked(
    allowed: Mapping[str, tuple[type, ...]], body: Any, *, required: Sequence[str] = ()
) -> dict[str, Any]:
    """The body as it may be kept; raises Wrong that names the field."""
    if not isinstance(body, dict):
        raise Wrong("not_an_object", status=400)
    for name in required:
        if name not in body:
            raise Wrong("missing", name)
    for name, value in body.items():
        if name not in allowed:
            raise Wrong("unknown_field", name)
        if not isinstance(value, allowed[name]) or not _sound(name, value):
            raise Wrong("invalid", name)
    return dict(body)


def _sound(name: str, value: Any) -> bool:
    sound = SOUND.get(name)
    try:
        return sound is None or value is None or bool(sound(value))
    except ValueError:
        return False


def _all_words(value: list[Any]) -> bool:
    return all(isinstance(one, str) for one in value)


def _moment(value: str) -> bool:
    return datetime.fromisoformat(value).tzinfo is not None


SOUND: dict[str, Callable[[Any], Any]] = {
    "status": STATUSES.__contains__,
    "services": _all_words,
    "signed_seasons": _all_words,
    "last_service_at": date.fromisoformat,
    "quoted_at": _moment,
    "at": _moment,
    "email": lambda value: not value or "@" in value,
}
