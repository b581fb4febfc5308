"""`slack_ask_human`: put a question to a person and wait, for as long as it takes.

With `mail` it is an approval: the card shows the exact mail with its footer, and the
answer leaves it in `draft_mail`, which is what a later `api_call` sends. With `batch` the
questions of one campaign stand together on one card (`engine/batches.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.business import footer
from engine.crm.earlier_contacts import earlier_contacts
from engine.llm.names import odd_case
from engine.mail.addresses import deliverable
from engine.mail.charsets import one_line
from engine.mail.unsubscribe import unsubscribe_url
from engine.name_correction import correct_in_crm, name_fields
from engine.steps import acquaintance, expressions, second_yes
from engine.steps.contract import (
    NOTHING_APPROVED,
    Ask,
    Asking,
    Done,
    Goto,
    Option,
    Outcome,
    StepConfig,
    StepContext,
)
from engine.steps.contract import Field as FormField
from engine.steps.fields import PartKey, PartText, PersonalKey, TemplateText
from engine.steps.ways import NOTHING, Names, Way

# What the form of a mail may fill in.
MAIL_FIELDS = frozenset(
    {"draft_subject", "draft_body", "customer_email", "customer_name", "customer_name_to_crm"}
)


class Choice(StepConfig):
    """One button. `form`: edit (the mail or the fields first), reply (a mail of the
    person's own), reason. `goto` says where the task goes on; without it, on_success."""

    label: str
    style: Literal["primary", "danger"] | None = None
    confirm: str | None = None
    form: Literal["edit", "reply", "reason"] | None = None
    goto: str | None = None
    undoable: bool = False


class Mail(StepConfig):
    """The mail to be approved; `commercial` adds the unsubscribe line to its footer."""

    to: PartText = "{{customer_email}}"
    to_name: PartText = "{{customer_name}}"
    subject: TemplateText = "{{draft_subject}}"
    body: TemplateText = "{{draft_body}}"
    commercial: bool = False


class Blank(StepConfig):
    """A field to fill in; it becomes the context key `key`. What people type may be about a
    customer, so it stands where erasure finds it."""

    key: PersonalKey
    label: str
    value: PartText = ""
    multiline: bool = False
    optional: bool = False


class Config(StepConfig):
    title: TemplateText
    kind: Literal["approval", "choice", "handover"] = "choice"
    text: TemplateText = ""
    choices: dict[str, Choice] = Field(min_length=1, max_length=25)
    mail: Mail | None = None
    fields: tuple[Blank, ...] = ()
    quote: PartKey = "email_text"
    facts: dict[str, PartText] = Field(default_factory=dict)
    channel: str | None = None
    deadline_hours: float | None = Field(default=None, gt=0)
    into: str = "answer"
    batch: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Config:
        if self.kind == "approval" and self.mail is None:
            raise ValueError("an approval needs 'mail'")
        if self.batch and self.kind != "approval":
            raise ValueError("a 'batch' is of approvals: kind must be approval")
        if self.batch and not self._can_be_approved_together():
            raise ValueError(
                "a 'batch' needs a choice of style primary without a form, which approves, and"
                " one of style danger, which strikes out"
            )
        return self

    def _can_be_approved_together(self) -> bool:
        choices = self.choices.values()
        return any(c.style == "primary" and not c.form for c in choices) and any(
            c.style == "danger" for c in choices
        )


def run(config: Config, ctx: StepContext) -> Outcome:
    title = ctx.render(config.title).text
    facts = [(name, ctx.render(text).text) for name, text in config.facts.items()]
    mail, fields, notes = _mail(config, ctx)
    options = [_option(value, choice) for value, choice in config.choices.items()]
    if mail is not None:
        mail, options, warnings, more = second_yes.before_asking(ctx, mail, options)
        notes, facts = [*warnings, *notes], [*facts, *more]
    if config.text:
        notes = [ctx.render(config.text).text, *notes]
    return Ask(
        Asking(
            title=title,
            kind=config.kind,
            options=options,
            into=config.into,
            fields=[*fields, *(_field(field, ctx) for field in config.fields)],
            mail=mail,
            quoted=str(ctx.context.get(config.quote) or "") or None,
            facts=[(name, value) for name, value in facts if value],
            history=earlier_contacts(ctx) if config.mail else "",
            channel=config.channel,
            deadline_hours=config.deadline_hours,
            confidence=ctx.context.get("draft_confidence") if config.mail else None,
            notes=notes,
            batch=config.batch,
        )
    )


def carry_out(ctx: StepContext, given: Mapping[str, str]) -> None:
    """What the answer makes this step do: a name that was corrected goes to the CRM too."""
    correct_in_crm(ctx, given)


def unanswered(config: Config) -> dict[str, Any]:
    """What is left where the step ends without an answer (it expired, or a person goes on
    without it): no approved mail, also where an earlier one of the task has gone out."""
    return dict(NOTHING_APPROVED) if config.mail is not None else {}


def skipped(config: Config) -> Done | Goto:
    """A person goes on without the approval: where a no leads, for nobody has said yes."""
    noes = (c.goto for c in config.choices.values() if c.form == "reason" or c.style == "danger")
    target = next((goto for goto in noes if goto), None) if config.mail is not None else None
    if target is None:
        return Done(unanswered(config), summary="skip")
    return Goto(target, unanswered(config), summary="skip")


def ways(config: Config) -> Iterator[Way]:
    """What is filled in counts where the option that was chosen has a form for it."""
    approved = frozenset(NOTHING_APPROVED) if config.mail is not None else NOTHING
    for choice in config.choices.values():
        yield Way(approved | {config.into} | _filled_in(config, choice), choice.goto)
    yield Way(approved, failed=True)


def _filled_in(config: Config, choice: Choice) -> Names:
    if choice.form == "reason":
        return frozenset({"draft_refusal_reason"})
    if choice.form is None:
        return NOTHING
    of_mail = MAIL_FIELDS if config.mail is not None else NOTHING
    return of_mail | {field.key for field in config.fields}


def leans_on(config: Config) -> Iterator[tuple[str, str]]:
    """An empty mail is nobody's wish; an address or a name the card asks for."""
    if config.mail is not None:
        for field in ("subject", "body"):
            source = getattr(config.mail, field)
            yield from ((f"mail.{field}", name) for name in expressions.names_in(source))


def _option(value: str, choice: Choice) -> Option:
    return Option(
        value, choice.label, choice.style, choice.confirm, choice.form, choice.goto, choice.undoable
    )


def _field(field: Blank, ctx: StepContext) -> FormField:
    value = ctx.render(field.value).text
    return FormField(field.key, field.label, value, field.multiline, field.optional)


def _mail(
    config: Config, ctx: StepContext
) -> tuple[dict[str, Any] | None, list[FormField], list[str]]:
    """The mail as it would be sent, what of it can be edited, and what to look out for."""
    if config.mail is None:
        return None, [], []
    wanted = config.mail
    written = ctx.render(wanted.to).text.strip()
    to = deliverable(written)
    name = one_line(ctx.render(wanted.to_name).text)
    subject, body = ctx.render(wanted.subject), ctx.render(wanted.body)
    url = unsubscribe_url(ctx.settings, to) if wanted.commercial else ""
    mail = {
        "from": f"{ctx.business.mail_from.name} <{ctx.business.mail_from.address}>",
        "to": to,
        "to_name": name,
        "subject": subject.text,
        "body": body.text,
        "footer": footer(ctx.business, commercial=wanted.commercial, unsubscribe_url=url),
        "commercial": wanted.commercial,
        "unsubscribe_url": url,
    }
    fields = [
        FormField("draft_subject", "Subject", subject.text),
        FormField("draft_body", "Text", body.text, multiline=True),
    ]
    notes = [f"Missing in the text: {missing}" for missing in (*subject.missing, *body.missing)]
    notes += acquaintance.remarks(ctx.context)
    if not to:
        fields.insert(0, FormField("customer_email", "To (e-mail address)", ""))
        notes.append(_no_address(written or str(ctx.context.get("customer_email_typed") or "")))
    fields += name_fields(ctx, name)
    if name and odd_case(name):
        notes.append("The name is in odd case: correct it if it is wrong.")
    return mail, fields, notes


def _no_address(written: str) -> str:
    if written:
        return f"“{written}” is no address that mail can be sent to: fill in the right one."
    return "It is not known whom to answer: fill in the address."
