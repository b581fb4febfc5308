"""Values as jsonb takes them.

Models, mails and people send what PostgreSQL refuses in JSON: NUL, and half a surrogate
pair. A task must not stop over a character, so both are put right on the way in.
"""

from __future__ import annotations

import json
from typing import Any

from psycopg.types.json import Jsonb


def stored(value: Any) -> Jsonb:
    return Jsonb(value, dumps=storable)


def storable(value: Any) -> str:
    """The value as JSON text that the database takes."""
    text = json.dumps(value)
    if "\\u0000" in text or "\\ud" in text:
        text = json.dumps(_cleaned(value))
    return text


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        whole = value.replace("\0", "").encode("utf-16-le", "surrogatepass")
        return whole.decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(one) for one in value]
    return value
