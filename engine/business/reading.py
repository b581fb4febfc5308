"""Reading the business file, and telling the owner what is wrong in it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from engine import yaml_files
from engine.business.company import Business
from engine.errors import SettingsInvalid


def load_business(path: Path) -> Business:
    """Raises SettingsInvalid that names the file, each wrong field and the cure."""
    if not path.exists():
        raise SettingsInvalid(f"{path} is missing; copy seeds/business.yaml there")
    content = yaml_files.read(path, refuse=SettingsInvalid)
    if not isinstance(content, dict):
        raise SettingsInvalid(f"{path}: must be a list of fields such as `name: Your company`")
    try:
        return Business.model_validate(content)
    except ValidationError as error:
        told = "; ".join(_told(one) for one in _causes(error))
        raise SettingsInvalid(f"{path}: {told}") from None


def _causes(error: ValidationError) -> list[Any]:
    """Without the lists that are said to be too short because their items are wrong."""
    errors = error.errors(include_url=False)
    return [
        one
        for one in errors
        if one["type"] != "too_short"
        or not any(len(e["loc"]) > 1 and e["loc"][:1] == one["loc"] for e in errors)
    ]


def _told(error: Any) -> str:
    place = [part for part in error["loc"] if part != "[key]"]
    where = ".".join(map(str, place))
    cure = _cure(place)
    match error["type"]:
        case "missing":
            return f"{where} is missing; {cure}"
        case "model_type":
            return f"{where}: must be fields with names; {cure}"
        case "extra_forbidden":
            near = difflib.get_close_matches(str(place[-1]), _known(place[:-1]), n=1)
            return f"{where}: there is no such field" + (
                f"; did you mean {near[0]}?" if near else ""
            )
        case "value_error":
            said = str(error["msg"]).removeprefix("Value error, ")
            return f"{where}: {said}" if where else said
        case _:
            return f"{where}: {error['msg'].lower()}; {cure}"


def _cure(place: list[Any]) -> str:
    found, _ = _field(place)
    return f"give {found.description}" if found and found.description else "see the file's comments"


def _known(place: list[Any]) -> list[str]:
    _, model = _field(place)
    return list(model.model_fields) if model else []


def _field(place: list[Any]) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """The field at a place in the file, and the model of what stands below it."""
    found: FieldInfo | None = None
    model: type[BaseModel] | None = Business
    for name in place:
        if isinstance(name, int):
            continue  # an item of a list is of the list's own kind
        found = model.model_fields.get(name) if model else None
        inside = [found.annotation, *get_args(found.annotation)] if found else []
        model = next((one for one in inside if _is_model(one)), None)
    return found, model


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
