"""What a model is asked to return, and reading what it returned.

A step builds its output model from its config (`classification`, `draft`, `decision`,
`analysis`), sends `wire_schema` of it with the prompt, and reads the reply by
`validated`. The wire schema keeps to what the vendor's grammar supports: every property
required, no other allowed, no bounds; confidence stands last, after what it speaks of.
The bounds are checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
)
from typing_extensions import TypedDict

from engine.errors import ReplyInvalid

Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""A value that a model may choose: lower_snake, for its case is not guaranteed."""

Number: Any = Annotated[float, Field(strict=True, allow_inf_nan=False)]

REASON_LIMIT = 300
MOST_FINDINGS = 16
"""A nullable field is a union, and the vendor allows sixteen of them in a schema."""


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON_LIMIT else f"{line[: REASON_LIMIT - 1]}…"


def _as_label(value: object) -> object:
    if not isinstance(value, str):
        return value
    return "_".join(value.strip().casefold().replace("-", " ").split())


class Output(BaseModel):
    """What every model step returns. `reason` is a model's text about a customer's: it
    belongs on cards and in the context, never in events."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    reason: Annotated[str, AfterValidator(_one_line)] = Field(
        description="Why, in one short line for the owner."
    )
    confidence: float = Field(
        ge=0, le=1, strict=True, allow_inf_nan=False, description="Probability from 0 to 1."
    )


class Classification(Output):
    category: str


class Draft(Output):
    subject: str = Field(description="The mail's subject line.")
    body: str = Field(
        description="The mail's plain text, greeting included, without signature and footer."
    )


class Decision(Output):
    decision: str


class Analysis(Output):
    findings: dict[str, Any]


class Finding(BaseModel):
    """One thing that an analysis is to find out, as a step's config names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Label
    description: str = ""
    type: Literal["text", "number", "yes_no", "label", "list"] = "text"
    """A number may be null where the material does not tell it; a text is then empty."""
    labels: tuple[Label, ...] = ()


def classification(labels: Sequence[str]) -> type[Classification]:
    return _with_choice(Classification, "category", tuple(labels))


def decision(labels: Sequence[str]) -> type[Decision]:
    return _with_choice(Decision, "decision", tuple(labels))


def draft() -> type[Draft]:
    return Draft


def analysis(findings: Sequence[Finding]) -> type[Analysis]:
    return _analysis(tuple(findings))


Model = TypeVar("Model", bound=BaseModel)
Chosen = TypeVar("Chosen", Classification, Decision)


@lru_cache(maxsize=256)
def _with_choice(base: type[Chosen], field: str, labels: tuple[str, ...]) -> type[Chosen]:
    """The base with its one open field narrowed to these labels."""
    choice: dict[str, Any] = {field: (_choice(labels), Field(description="Exactly one of these."))}
    return create_model(base.__name__, __base__=base, **choice)


@lru_cache(maxsize=256)
def _analysis(findings: tuple[Finding, ...]) -> type[Analysis]:
    if not 1 <= len(findings) <= MOST_FINDINGS:
        raise ValueError(f"an analysis has 1 to {MOST_FINDINGS} findings")
    fields = {
        one.name: Annotated[_found(one), Field(description=one.description or None)]
        for one in findings
    }
    if len(fields) != len(findings):
        raise ValueError("each finding needs a name of its own")
    # A typed dict and no model: the names are the owner's, and some are taken in a model.
    Findings: Any = TypedDict("Findings", fields)  # pyright: ignore[reportArgumentType]
    return create_model("Analysis", __base__=Analysis, findings=(Findings, ...))


def _found(finding: Finding) -> Any:
    match finding.type:
        case "text":
            return str
        case "number":
            return Number | None
        case "yes_no":
            return Annotated[bool, Field(strict=True)]
        case "label":
            return _choice(finding.labels)
        case "list":
            return list[str]


def _choice(labels: tuple[str, ...]) -> Any:
    if not labels:
        raise ValueError("at least one label is needed")
    return Annotated[Literal[labels], BeforeValidator(_as_label)]


# -- the wire schema --------------------------------------------------------------

_KEPT = {"type", "description", "enum", "anyOf", "items", "properties"}
_LAST = ("reason", "confidence")


@cache
def wire_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema to send with the prompt. Shared between calls: not to be changed."""
    schema = model.model_json_schema()
    return _supported(schema, schema.get("$defs", {}))


def _supported(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]] | {
            key: value for key, value in schema.items() if key != "$ref"
        }
    kept = {key: value for key, value in schema.items() if key in _KEPT}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if "anyOf" in kept:
        kept["anyOf"] = [_supported(one, definitions) for one in kept["anyOf"]]
    if "items" in kept:
        kept["items"] = _supported(kept["items"], definitions)
    if kept.get("type") == "object":
        names = sorted(kept.get("properties", {}), key=lambda name: name in _LAST)
        kept["properties"] = {n: _supported(kept["properties"][n], definitions) for n in names}
        kept["required"] = names
        kept["additionalProperties"] = False
    return kept


# -- reading a reply --------------------------------------------------------------


def validated(model: type[Model], text: str) -> Model:
    """The reply as an instance of `model`.

    Raises ReplyInvalid, whose detail holds field names and kinds of error only: it goes
    into events and back to the model."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
    if wrong[0]["type"] == "json_invalid":
        raise ReplyInvalid("not_json")
    told = [f"{'.'.join(map(str, one['loc'])) or 'reply'}: {one['type']}" for one in wrong[:8]]
    raise ReplyInvalid("; ".join(told))
