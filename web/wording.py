"""What each event of a task says to a person: one sentence a type, in one table.

`weight` is how much it matters to a reader. loud: it changed something outside, a
person decided, or it went wrong. plain: a step of the way. quiet: bookkeeping, folded
away until asked for. In a sentence {step} is the step's name, {who} the actor, {what}
the event's summary in words, {tier} the tier, {effect} and {happened} the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from engine.task_events import EventType

Weight = Literal["loud", "plain", "quiet"]
Tone = Literal["", "good", "bad", "warn", "person", "model"]


@dataclass(frozen=True, slots=True)
class Wording:
    sentence: str
    weight: Weight = "plain"
    tone: Tone = ""


WORDINGS: dict[str, Wording] = {
    "task_started": Wording("Started by {who}"),
    "task_completed": Wording("The task is complete", "loud", "good"),
    "task_failed": Wording("The task failed: {what}", "loud", "bad"),
    "task_escalated": Wording("Handed to a person: {what}", "loud", "warn"),
    "task_cancelled": Wording("Cancelled by {who}", "loud", "bad"),
    "task_parked": Wording("Paused: {what}", "quiet"),
    "task_woken": Wording("Woken up", "quiet"),
    "task_erased": Wording("The customer’s data was erased", "loud"),
    "task_rerun": Wording("{who} sent it back to “{step}”", "loud", "person"),
    "task_rescued": Wording(
        "Its worker stopped in the middle; another one took over", "loud", "warn"
    ),
    "step_completed": Wording("“{step}” is done: {what}"),
    "step_failed": Wording("“{step}” failed: {what}", "loud", "bad"),
    "step_retried": Wording("“{step}” did not work: {what}", "plain", "warn"),
    "step_uncertain": Wording("“{step}” was not settled by the model: {what}", "plain", "warn"),
    "tier_escalated": Wording("A bigger model takes over: tier {tier}", "plain", "model"),
    "step_branched": Wording("“{step}” goes on at {what}"),
    "step_timed_out": Wording("“{step}” took longer than it may", "loud", "bad"),
    "llm_called": Wording("Asked the model for “{step}”", "plain", "model"),
    "llm_reply_invalid": Wording("The model’s reply could not be used: {what}", "plain", "warn"),
    "llm_failed": Wording("The model did not answer: {what}", "plain", "warn"),
    "human_asked": Wording("Asked a person: {what}", "loud", "person"),
    "human_answered": Wording("{who} answered {what}", "loud", "person"),
    "answer_undone": Wording("{who} took the answer back", "loud", "person"),
    "question_reminded": Wording("Nobody had answered; a reminder went out", "plain", "warn"),
    "question_expired": Wording("Nobody answered in time", "loud", "bad"),
    "card_posted": Wording("{who} had the card posted again in {what}", "plain", "person"),
    "card_frozen": Wording("The card in Slack was closed", "quiet"),
    "effect_intended": Wording("About to go out: {effect}", "quiet"),
    "effect_done": Wording("{effect} {happened}", "loud", "good"),
    "effect_refused": Wording("{effect} did not go out: {what}", "loud", "bad"),
    "effect_in_doubt": Wording("{effect} may or may not have gone out: {what}", "loud", "warn"),
    "effect_settled": Wording("{effect}, settled: {what}", "loud", "person"),
    "children_started": Wording("Started {what} as child tasks"),
    "child_started": Wording("Started the child task {what}"),
    "child_finished": Wording("The child task {what} ended"),
    "customer_replied": Wording("The customer replied", "loud", "person"),
    "customer_opted_out": Wording("The customer wants no more mail: {what}", "loud", "warn"),
    "opt_out_taken_back": Wording("It was not meant: they may be written to", "loud", "person"),
    "opt_out_lifted": Wording("{who} lets them be written to again: {what}", "loud", "person"),
    "mail_bounced": Wording("The mail could not be delivered: {what}", "loud", "bad"),
    "mail_complained": Wording("The customer marked the mail as spam", "loud", "bad"),
    "mail_delayed": Wording("The mail is not delivered: {what}", "plain", "warn"),
    "cancel_requested": Wording("{who} asked to cancel it", "loud", "person"),
    "agent_paused": Wording("{who} paused the agent {what}", "loud", "person"),
    "agent_resumed": Wording("{who} let the agent {what} go on", "loud", "person"),
    "agent_changed": Wording("{who} changed the agent {what}", "plain", "person"),
    "sop_imported": Wording("{who} imported {what}", "plain", "person"),
    "sop_published": Wording("{who} published {what}", "loud", "person"),
    "secret_key_accepted": Wording("{who} replaced SECRET_KEY", "loud", "person"),
    "sop_disabled": Wording("{who} disabled {what}", "loud", "person"),
    "effects_halted": Wording("{who} stopped everything", "loud", "bad"),
    "effects_resumed": Wording("{who} let everything go on: {what}", "loud", "good"),
    "budget_passed": Wording("The budget was passed: {what}", "loud", "bad"),
    "watcher_failed": Wording("A watcher failed: {what}", "loud", "bad"),
    "watcher_recovered": Wording("The watcher {what} works again", "plain", "good"),
    "watcher_paused": Wording("{who} paused the watcher {what}", "loud", "person"),
    "watcher_resumed": Wording("{who} let the watcher {what} look again", "loud", "person"),
    "user_added": Wording("{who} added a user: {what}", "plain", "person"),
    "user_changed": Wording("{who} changed a user: {what}", "plain", "person"),
    "user_away": Wording("{who} said who is away: {what}", "plain", "person"),
    "user_back": Wording("{who} said who is back: {what}", "plain", "person"),
    "credential_added": Wording("{who} added a credential: {what}", "plain", "person"),
    "credential_revoked": Wording("{who} revoked a credential: {what}", "loud", "person"),
    "vendor_down": Wording("{what} cannot be reached", "loud", "bad"),
    "vendor_back": Wording("{what} can be reached again", "plain", "good"),
}

# (vendor, purpose) of an effect: what it is, and what became of it when it happened.
EFFECTS = {
    ("mail", "send"): ("The mail", "was sent"),
    ("slack", "post"): ("The question’s card", "was posted in Slack"),
    ("slack", "notify"): ("The message", "was posted in Slack"),
    ("crm", "upsert_lead"): ("The lead", "was written to the CRM"),
    ("crm", "update_customer"): ("The customer’s record", "was changed in the CRM"),
    ("crm", "log_interaction"): ("The note", "was written to the CRM"),
    ("crm", "opt_out"): ("The opt-out", "was written to the CRM"),
    ("http", "request"): ("The call", "was made"),
}
SENT_BY = {"mail": ("The mail", "was sent"), "slack": ("The post", "was made in Slack")}
UNKNOWN = ("The call", "was made")


def wording(event_type: str) -> Wording:
    """A row may be older or newer than this program: what it does not know, it shows."""
    return WORDINGS.get(event_type) or Wording(event_type.replace("_", " ").capitalize())


def effect_words(vendor: str, purpose: str) -> tuple[str, str]:
    """What an effect is called, and what one says when it has happened."""
    return EFFECTS.get((vendor, purpose)) or SENT_BY.get(vendor) or UNKNOWN


def purpose_of(effect_key: str) -> str:
    """The purpose in an effect's key: owner (a step's visit, a card), purpose, item."""
    parts = effect_key.split(".")
    start = 1 if parts[0].startswith("card-") else 2
    return parts[start] if len(parts) > start else ""


def unworded() -> list[str]:
    """Event types without a sentence; a test holds this empty."""
    return [name for name in get_args(EventType) if name not in WORDINGS]
