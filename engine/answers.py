"""Answers: what a person decided and filled in, checked, and what it means for the step.

`questions.answer` is the one door; here stand the choice, the form's fields, and the
outcome that an answered question has in the executor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import form_values
from engine.errors import AnswerInvalid
from engine.mail.addresses import deliverable
from engine.mail.unsubscribe import unsubscribe_url
from engine.settings import Settings
from engine.steps.contract import SENT_ID, Done, Goto

Question = Mapping[str, Any]
REASON = "draft_refusal_reason"
RECIPIENT = "customer_email"
# The parts of a mail that a form may change, and the fields that do.
EDITABLE = {
    "subject": "draft_subject",
    "body": "draft_body",
    "to": RECIPIENT,
    "to_name": "customer_name",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's decision: one of the options, and what they filled in."""

    choice: str
    fields: Mapping[str, str]


def chosen(question: Question, choice: str) -> dict[str, Any]:
    for option in question["options"]:
        if option["value"] == choice:
            return option
    known = ", ".join(option["value"] for option in question["options"])
    raise AnswerInvalid(f"{choice!r} is not one of: {known}")


def filled_in(
    question: Question, option: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, str]:
    """The filled-in fields, exactly as given but for the address, which is as one may send to
    it; only what this option's form asks for."""
    if option["form"] == "reason":
        return {REASON: given.get("reason", given.get(REASON, ""))}
    if option["form"] is None:
        missing = [f["label"] for f in question["fields"] if not (f["value"] or f["optional"])]
        if option["undoable"] and missing:
            raise AnswerInvalid(f"{missing[0]} is missing. {_where_to_fill_in(question)}".strip())
        return {}
    wrong = problems(question, given)
    if wrong:
        raise AnswerInvalid(next(iter(wrong.values())))
    keys = {field["key"]: given.get(field["key"], field["value"]) for field in question["fields"]}
    return keys | {key: deliverable(keys[key]) for key in (RECIPIENT,) if key in keys}


def _where_to_fill_in(question: Question) -> str:
    forms = (one["label"] for one in question["options"] if one["form"] in ("edit", "reply"))
    label = next(forms, "")
    return f"Press “{label}” and fill it in." if label else ""


def refuses(option: Mapping[str, Any]) -> bool:
    """Whether the option says no to what is asked."""
    return option.get("form") == "reason" or option.get("style") == "danger"


def problems(question: Question, given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a filled-in form, by field."""
    found = {}
    for field in question["fields"]:
        value = given.get(field["key"], field["value"]).strip()
        if not value and not field["optional"]:
            found[field["key"]] = f"{field['label']} must not be empty"
            continue
        if value and field["key"] == RECIPIENT and not deliverable(value):
            found[field["key"]] = f"{field['label']}: this is not an e-mail address"
        try:
            form_values.read(field, value)
        except ValueError as wrong:
            found[field["key"]] = f"{field['label']}: {wrong}"
    return found


def edited(
    settings: Settings, mail: Mapping[str, Any] | None, fields: Mapping[str, str]
) -> dict[str, Any] | None:
    """The mail with what the person changed: subject, body, recipient, and with the recipient
    the link to unsubscribe, which is each one's own."""
    if mail is None:
        return None
    changed = dict(mail) | {part: fields[key] for part, key in EDITABLE.items() if key in fields}
    before = mail.get("unsubscribe_url")
    if before and changed["to"] != mail["to"]:
        changed["unsubscribe_url"] = unsubscribe_url(settings, changed["to"])
        changed["footer"] = mail["footer"].replace(before, changed["unsubscribe_url"])
    return changed


# -- what an answer means ---------------------------------------------------------


def is_output(question: Question) -> bool:
    """Whether the answer stands for what the step would put out. Otherwise the step runs:
    with its effect settled by the ruling, or once more after a failure."""
    retried = question["resolves"] == "failure" and question["answer"]["choice"] == "retry"
    return question["resolves"] != "effect" and not retried


def outcome(question: Question) -> Done | Goto:
    """The step's outcome, by the answer that was given."""
    given = question["answer"]
    option = chosen(question, given["choice"])
    kinds = {field["key"]: field for field in question["fields"]}
    output: dict[str, Any] = {
        key: form_values.read(kinds.get(key, {}), text) for key, text in given["fields"].items()
    }
    if question["into"]:
        output[question["into"]] = given["choice"]
    if question["mail"]:
        # Whatever went out before, this mail has not.
        output |= {"draft_mail": sendable(question["mail"]), SENT_ID: ""}
    if option["goto"] is None:
        return Done(output, summary=given["choice"])
    return Goto(option["goto"], output, summary=given["choice"])


def sendable(mail: Mapping[str, Any]) -> dict[str, Any]:
    """What the send step sends, byte for byte: body and footer as the card showed them."""
    text = mail["body"] + (f"\n\n{mail['footer']}" if mail.get("footer") else "")
    kept = ("to", "to_name", "subject", "commercial", "unsubscribe_url")
    kept += ("already_written", "reply_known", "unsure_known")
    return {key: mail.get(key) for key in kept} | {"text": text}
