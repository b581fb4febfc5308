"""`api_call`: send an e-mail, write to the CRM, or call an address on the allow-list.

Every one of them is an effect and goes through the gate. The mail that is sent is the
one that a person approved, byte for byte; nothing is rendered here again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from engine.crm.by_hand import to_copy
from engine.crm.writing import write_effect
from engine.errors import Refused, StepFailed
from engine.http import http_effect
from engine.mail.addresses import of_reply
from engine.mail.sending import send_effect
from engine.steps import acquaintance, expressions, second_yes
from engine.steps.contract import (
    SENT_ID,
    SENT_UNNAMED,
    Ask,
    Asking,
    Done,
    Goto,
    Option,
    Outcome,
    StepConfig,
    StepContext,
)
from engine.steps.fields import Condition, Key, PartText, TemplateText
from engine.steps.still import INVOICE, WITHHELD, Found, Rest, look_again
from engine.steps.ways import NOTHING, Names, Way

Operation = Literal[
    "send",
    "stop_writing",
    "write_again",
    "upsert_lead",
    "update_customer",
    "log_interaction",
    "opt_out",
    "request",
]
OPERATIONS = {
    "email": ("send", "stop_writing", "write_again"),
    "crm": ("upsert_lead", "update_customer", "log_interaction", "opt_out"),
    "http": ("request",),
}


class Config(StepConfig):
    """email.send sends what stands in the context key `mail`, unless one of the conditions of
    `unless` holds by then, by what is read again of the CRM; `otherwise` is where to go on
    without having sent it. email.stop_writing ends all
    mail to the customer, and email.write_again takes back what a reply that says "stop" has
    brought about. The crm operations take `fields` (templates); log_interaction takes `kind`
    and `summary`. http.request takes `method`, `url` (its host must be on the allow-list) and
    `body`."""

    service: Literal["email", "crm", "http"]
    operation: Operation
    mail: Key = "draft_mail"
    customer: TemplateText = "{{customer_id}}"
    fields: dict[str, PartText] = Field(default_factory=dict)
    kind: str = ""
    summary: TemplateText = ""
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: TemplateText = ""
    body: dict[str, TemplateText] = Field(default_factory=dict)
    read_again: tuple[Rest, ...] = ()
    unless: dict[str, Condition] = Field(default_factory=dict)
    otherwise: str = "complete"

    @model_validator(mode="after")
    def _complete(self) -> Config:
        if self.operation not in OPERATIONS[self.service]:
            known = ", ".join(OPERATIONS[self.service])
            raise ValueError(f"{self.service} has no operation {self.operation!r}; it has: {known}")
        if self.operation == "log_interaction" and not (self.kind and self.summary):
            raise ValueError("log_interaction needs 'kind' and 'summary'")
        if self.operation == "upsert_lead" and not self.fields:
            raise ValueError("upsert_lead needs 'fields'")
        if (self.unless or self.read_again) and self.operation != "send":
            raise ValueError("'unless' and 'read_again' are for email.send")
        if self.read_again and not self.unless:
            raise ValueError("'read_again' is read for 'unless', which is missing")
        if self.service == "http":
            parts = urlsplit(self.url)
            if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
                raise ValueError("'url' must begin with https://")
            if "{{" in (parts.netloc or "{{"):
                raise ValueError("the host in 'url' must be written out, not filled in")
        return self


def run(config: Config, ctx: StepContext) -> Outcome:
    if config.operation == "stop_writing":
        return _stop_writing(ctx)
    if config.operation == "write_again":
        return _write_again(ctx)
    if config.service == "email":
        return _send(config, ctx)
    if config.service == "http":
        body = {name: ctx.render(text).text for name, text in config.body.items()}
        ctx.perform(http_effect(ctx, config.method, ctx.render(config.url).text, body))
        return Done(summary=config.method)
    if not ctx.has_crm:
        values = {name: ctx.render(text).text for name, text in config.fields.items()}
        summary = ctx.render(config.summary).text
        return _by_hand(*to_copy(ctx, config.operation, values, config.kind, summary))
    return _write(config, ctx)


def _send(config: Config, ctx: StepContext) -> Outcome:
    mail = ctx.context.get(config.mail)
    if not isinstance(mail, dict) or not mail.get("text"):
        raise StepFailed(f"there is no approved mail in {config.mail}")
    if not mail.get("to"):
        raise StepFailed("the approved mail has no recipient")
    letters = ctx.correspondence
    if not letters.begun("send"):
        if letters.full():
            raise Refused("mail", "thread_full")
        customer = ctx.render(config.customer).text.strip()
        found = Found()
        if config.unless:
            found = look_again(ctx, config.read_again, config.unless, customer)
        if found.withheld:
            why = found.withheld
            return Goto(config.otherwise, {WITHHELD: why}, summary=f"withheld: {why}")
        asked = second_yes.before_sending(
            ctx, mail, otherwise=config.otherwise, unsure=found.unsure
        )
        if asked is not None:
            return asked
    result = ctx.perform(send_effect(ctx, mail))
    letters.remember(str(result.get("message_id", "")))
    sent = {SENT_ID: result.get("message_id") or SENT_UNNAMED}
    if ctx.context.get(WITHHELD):
        sent[WITHHELD] = ""  # at an earlier try; a person had it run again
    return Done(sent, summary="sent")


def skipped(config: Config) -> Goto | None:
    """A person goes on without the mail: nothing that follows may tell of one."""
    if config.operation != "send":
        return None
    return Goto(config.otherwise, {SENT_ID: ""}, summary="not sent")


def ways(config: Config) -> Iterator[Way]:
    match config.operation:
        case "send":
            yield Way(frozenset({SENT_ID, WITHHELD}))
            yield Way(frozenset({SENT_ID, WITHHELD, "draft_mail"}), config.otherwise)
            yield Way(frozenset({SENT_ID, WITHHELD}), failed=True)
        case "stop_writing" | "write_again":
            yield Way(frozenset({"customer_opted_out"}))
        case "upsert_lead":
            yield Way(frozenset({"customer_id"}))
        case _:
            yield Way()


def scopes(config: Config, known: Names) -> dict[str, Names]:
    """`unless` knows what is read again."""
    customer = acquaintance.READ if "customer" in config.read_again else NOTHING
    invoice = INVOICE if "invoice" in config.read_again else NOTHING
    return {"unless": known | customer | invoice}


def leans_on(config: Config) -> Iterator[tuple[str, str]]:
    if config.operation == "send":
        yield "mail", config.mail
    if "invoice" in config.read_again:
        yield "read_again", "invoice_id"
    record = config.operation in ("update_customer", "log_interaction", "opt_out")
    if record or "customer" in config.read_again:
        yield from (("customer", name) for name in expressions.names_in(config.customer))


def _stop_writing(ctx: StepContext) -> Outcome:
    """The address that they write from, and the one that they were written to."""
    known = of_reply(ctx.context)
    if not known:
        raise StepFailed("there is no address that could be opted out")
    ctx.correspondence.stop(known)
    return Done({"customer_opted_out": True}, summary="opted out")


def _write_again(ctx: StepContext) -> Outcome:
    """Where they have said it in another way as well, that stands."""
    if not ctx.correspondence.take_back(of_reply(ctx.context)):
        return Done(summary="nothing to take back")
    return Done({"customer_opted_out": False}, summary="taken back")


def _write(config: Config, ctx: StepContext) -> Outcome:
    values = {name: ctx.render(text).text for name, text in config.fields.items()}
    if config.operation == "upsert_lead":
        values = acquaintance.to_write(ctx.context, values)
        if acquaintance.could_be_another(ctx.context, values):
            # The number would decide, and the record may be somebody else's.
            title, lines = to_copy(ctx, config.operation, values, "", "")
            return _by_hand(title, lines, acquaintance.remarks(ctx.context))
    customer = ctx.render(config.customer).text.strip()
    if config.operation != "upsert_lead" and not customer:
        raise StepFailed(f"{config.operation} needs a customer, and the context has none")
    summary = ctx.render(config.summary).text
    effect = write_effect(
        ctx,
        config.operation,
        customer,
        {k: v for k, v in values.items() if v},
        config.kind,
        summary,
    )
    result = ctx.perform(effect)
    found = str(result.get("id", ""))
    if config.operation == "upsert_lead":
        return Done({"customer_id": found}, subject=found or None, summary="written")
    return Done(summary="written")


def _by_hand(title: str, lines: list[tuple[str, str]], notes: Sequence[str] = ()) -> Ask:
    """The answer says whether it was written down; the task goes on either way."""
    options = [Option("done", "Done", style="primary"), Option("skip", "Leave it")]
    return Ask(Asking(title=title, kind="to_copy", options=options, facts=lines, notes=notes))
