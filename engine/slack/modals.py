"""The dialogs behind a card's buttons, and what comes back from them.

A modal is opened inside Slack's request, with data that is at hand: `trigger_id` lives
three seconds. It carries the wait token in `private_metadata` and names its kind and the
answer it belongs to in `callback_id`. What is typed there is taken byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.form_values import YES
from engine.refusals import REASONS
from engine.slack import Block, elements
from engine.slack.text import clip, escape, link, one_line, plain, units

View = dict[str, Any]
Field = Mapping[str, Any]
FIELD = "field:"
REASON = "reason"
# Named apart from the fields, which a procedure may call what it likes.
TAPPED = "tapped"
OWN_WORDS = "Or more, in your own words"
INPUTS = 90


def edit_modal(
    question: Mapping[str, Any], token: str, *, value: str = "edit", task_url: str = ""
) -> View:
    """The draft's text to change; submitting it is the answer."""
    return _form(
        question, token, f"edit:{value}", title="Edit first", submit="Send this", url=task_url
    )


def form_modal(
    question: Mapping[str, Any], token: str, *, value: str = "reply", task_url: str = ""
) -> View:
    """What a person writes in the engine's place: a reply, or the fields that are missing."""
    return _form(
        question, token, f"reply:{value}", title="Your answer", submit="Submit", url=task_url
    )


def reason_modal(
    question: Mapping[str, Any], token: str, *, value: str = "reject", label: str = "Why not?"
) -> View:
    title = escape(one_line(str(question.get("title") or "")), 300)
    return modal(
        f"{REASON}:{value}",
        token,
        _label_of(question, value) or "A reason",
        [
            elements.context(title),
            elements.one_of(TAPPED, label, list(REASONS.values())),
            elements.text_input(FIELD + REASON, OWN_WORDS, multiline=True, optional=True),
        ],
        submit="Submit",
    )


def late_modal(said: str, kept: Mapping[str, str] | None = None) -> View:
    """Shown in place of a form that came too late: who was first, and the text that was
    typed, so that nothing is lost."""
    blocks: list[Block] = [elements.section(escape(said))]
    for key, text in (kept or {}).items():
        blocks += [elements.context(f"*{escape(one_line(key), 100)}*"), elements.words(text)]
    return modal("late", "", "Somebody was first", blocks[: elements.VIEW_BLOCKS])


def told_modal(title: str, said: str) -> View:
    return modal("told", "", title, [elements.section(escape(said))])


def parse_submission(payload: Mapping[str, Any]) -> dict[str, str]:
    """What was typed, by field key; an input left empty is an empty string, a box "yes" or
    "no". A reason that was tapped goes before the words behind it."""
    values = payload["view"]["state"]["values"]
    typed: dict[str, str] = {}
    for block_id, inputs in values.items():
        if block_id.startswith(FIELD):
            typed[block_id.removeprefix(FIELD)] = _given(next(iter(inputs.values())))
    tapped = _given(next(iter(values[TAPPED].values()))) if TAPPED in values else ""
    if tapped:
        typed[REASON] = f"{tapped}: {typed[REASON]}" if typed.get(REASON, "").strip() else tapped
    return typed


def _given(entry: Mapping[str, Any]) -> str:
    if entry.get("type") == "checkboxes":
        return "yes" if entry.get("selected_options") else "no"
    if entry.get("type") == "radio_buttons":
        return str((entry.get("selected_option") or {}).get("value") or "")
    return entry.get("value") or ""


def errors_reply(errors: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a submission that keeps the modal open, an error under each field."""
    shown = {FIELD + key: clip(one_line(error), 2000) for key, error in errors.items()}
    return {"response_action": "errors", "errors": shown}


def update_reply(view: View) -> dict[str, Any]:
    return {"response_action": "update", "view": view}


def _form(
    question: Mapping[str, Any], token: str, callback_id: str, *, title: str, submit: str, url: str
) -> View:
    fields: Sequence[Field] = question.get("fields") or []
    title = _label_of(question, callback_id.partition(":")[2]) or title
    long = [field for field in fields if not elements.fits_input(str(field.get("value") or ""))]
    if long or len(fields) > INPUTS:
        return modal(callback_id, token, title, _too_long(long, url))
    blocks = [*_recipient(question), *(_input(field) for field in fields)]
    return modal(callback_id, token, title, blocks, submit=submit)


def _recipient(question: Mapping[str, Any]) -> list[Block]:
    mail = question.get("mail") or {}
    to = one_line(str(mail.get("to") or ""))
    return [elements.context(f"To {escape(to, 300)}")] if to else []


def _input(field: Field) -> Block:
    if field.get("type") == "yes_no":
        ticked = str(field.get("value") or "").casefold() in YES
        label = str(field.get("label") or field["key"])
        return elements.tick(FIELD + str(field["key"]), label, ticked=ticked)
    return elements.text_input(
        FIELD + str(field["key"]),
        str(field.get("label") or field["key"]),
        value=str(field.get("value") or ""),
        multiline=bool(field.get("multiline")),
        optional=bool(field.get("optional")),
    )


def _too_long(long: Sequence[Field], url: str) -> list[Block]:
    which = ", ".join(
        f"{one_line(str(field.get('label') or field['key']))} ({units(str(field['value'])):,})"
        for field in long
    )
    said = f"Slack's forms take {elements.INPUT_LENGTH:,} characters, and this has more. "
    return [
        elements.section(escape(said + which, 2500)),
        elements.section(f"{link(url, 'Edit it on the web')}: the same answer, without the limit."),
    ]


def modal(
    callback_id: str, token: str, title: str, blocks: Sequence[Block], *, submit: str = ""
) -> View:
    view: View = {
        "type": "modal",
        "callback_id": callback_id[: elements.ID_LENGTH],
        "private_metadata": token,
        "title": plain(one_line(title), 24),
        "close": plain("Cancel" if submit else "Close", 24),
        "blocks": list(blocks),
        # Else the card would say "is editing" for ever.
        "notify_on_close": bool(token),
    }
    return view | {"submit": plain(submit, 24)} if submit else view


def _label_of(question: Mapping[str, Any], value: str) -> str:
    options = question.get("options") or []
    return next((str(o.get("label") or "") for o in options if o.get("value") == value), "")
