"""Beginnings: what a task knows when it begins, by what has started it.

One line for each source, and a test that holds it to what the source really gives. A task
that another procedure starts begins with what that one hands on (`engine/knowledge.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from engine.business import Business
from engine.families import HEARD
from engine.steps.acquaintance import READ
from engine.steps.crm_lists import AGES, INVOICE_COLUMNS
from engine.steps.enqueue_next import BEGAN
from engine.steps.ways import Names

# A schedule, the command line and /sop run: anybody may start any procedure by hand.
BY_HAND: Names = frozenset({"trigger"})
MAIL: Names = BY_HAND | {
    *("customer_email", "customer_name", "customer_phone"),
    *("email_answer_to", "email_from", "email_subject", "email_reply_subject", "email_text"),
    *("email_sent_at", "email_message_id", "email_references", "email_attachments"),
}
LEAD_FORM: Names = BY_HAND | {
    *("customer_name", "customer_email", "customer_email_typed", "customer_phone"),
    *("customer_address", "email_answer_to", "email_subject", "email_text"),
}
REPLY: Names = MAIL | {"email_asks_to_stop", "email_sent_to", "customer_id"}
STOP_WRITING: Names = BY_HAND | {"reason", "customer_id"}
OF_EVENT = {
    "mail": MAIL,
    "lead_form": LEAD_FORM,
    "reply": REPLY,
    "stop_writing": STOP_WRITING,
}
# What a customer does about our mails any task of the family is told, at any moment.
AT_ANY_MOMENT: Names = frozenset(HEARD)
# All that one procedure can hand on to another which it has not made itself. Of a procedure
# that nobody here starts it is taken for given.
HANDED_ON: Names = frozenset().union(
    *OF_EVENT.values(), READ, AGES, INVOICE_COLUMNS, {"stage", "season", BEGAN}
)


def of_trigger(events: Iterable[str], keys: Iterable[str]) -> Names:
    """What its own trigger gives, with the keys that it says to expect."""
    return BY_HAND.union(keys, *(OF_EVENT.get(event, BY_HAND) for event in events))


def _company(model: type[BaseModel], at: str) -> Iterator[str]:
    """`business`, and every field behind it."""
    yield at
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _company(inner, f"{at}.{name}")
        else:
            yield f"{at}.{name}"


COMPANY: Names = frozenset(_company(Business, "business"))
