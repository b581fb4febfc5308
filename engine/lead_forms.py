"""What the company's web form posts: checked before it is stored, so that whoever wired
the form up reads at once which field is wrong.

Nobody sees the form's errors but the visitor, and few forms show them: whoever can be
reached at all is taken in, and an address with a slip in it stands on the card.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from engine.errors import EngineError

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class LeadFormInvalid(EngineError):
    """The form's post cannot be used."""

    code = "lead_form_invalid"


def _printable(text: str) -> str:
    """PostgreSQL keeps no NUL, and half a surrogate pair is no letter."""
    if "\x00" in text or (
        not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)
    ):
        raise ValueError("holds characters that are none")
    return text


Line = Annotated[str, Field(max_length=500), AfterValidator(_printable)]


class LeadForm(BaseModel):
    """A lead as the form sends it. Fields that nobody has named here are let through and
    not used; `id` is the form's own for this one post of it."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    id: Annotated[str, Field(max_length=200), AfterValidator(_printable)] = ""
    name: Line = ""
    email: Line = ""
    phone: Line = ""
    address: Line = ""
    message: Annotated[str, Field(max_length=50_000), AfterValidator(_printable)] = ""

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, form: Any) -> Any:
        """Many forms send null for a field that was left empty."""
        if not isinstance(form, dict):
            return form
        return {name: value for name, value in form.items() if value is not None}

    @model_validator(mode="after")
    def _reachable(self) -> LeadForm:
        email = self.email.strip()
        if not (email or self.phone.strip()):
            raise ValueError("give 'email' or 'phone': there is no other way to answer")
        if not (self.phone.strip() or ADDRESS.fullmatch(email)):
            raise ValueError("'email' is not an e-mail address, and there is no 'phone'")
        return self


def read(body: bytes) -> LeadForm:
    """The form, or LeadFormInvalid that names the field."""
    try:
        return LeadForm.model_validate_json(body)
    except ValidationError as error:
        raise LeadFormInvalid(_why(error)) from None


def _why(error: ValidationError) -> str:
    """The first thing that is wrong, by its field; never the value, which is personal."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{field}: {said}" if field else said
