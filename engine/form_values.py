"""What people type into a form, as values of the types that a step's output has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})


def read(field: Mapping[str, Any], text: str) -> Any:
    """The value; ValueError says what is wrong. Plain text is exactly as given."""
    bare = text.strip()
    match field.get("type", "text"):
        case "number":
            return _number(bare) if bare else None
        case "yes_no":
            if bare.casefold() not in YES | NO:
                raise ValueError("say yes or no")
            return bare.casefold() in YES
        case "list":
            return [part.strip() for part in bare.split(",") if part.strip()]
        case "label":
            if bare not in field["labels"]:
                raise ValueError(f"choose one of: {', '.join(field['labels'])}")
            return bare
    return text


def write(value: Any) -> str:
    """A value as it stands in the form to begin with."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def _number(text: str) -> int | float:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        raise ValueError("this is not a number") from None
    if value - value:  # infinite, or not a number at all
        raise ValueError("this is not a number")
    return int(value) if value == int(value) else value
