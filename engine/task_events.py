"""The audit log: facts in the past tense, appended in the transaction that made them true.

Nothing here can be changed later; the database refuses. No customer data ever: a
summary says ids, counts, codes and lengths. An event of a task carries that task's next
`seq`, which comes from the task's row, so that a gap or a double would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from engine.postgres import Connection
from engine.postgres.queries import queries

EventType = Literal[
    "task_started", "task_completed", "task_failed", "task_escalated", "task_cancelled",
    "task_parked", "task_woken", "task_erased", "task_rerun", "task_rescued",
    "step_completed", "step_failed", "step_retried", "step_uncertain", "tier_escalated",
    "step_branched", "step_timed_out",
    "llm_called", "llm_reply_invalid", "llm_failed",
    "human_asked", "human_answered", "answer_undone", "question_reminded", "question_expired",
    "card_posted", "card_frozen",
    "effect_intended", "effect_done", "effect_refused", "effect_in_doubt", "effect_settled",
    "children_started", "child_started", "child_finished",
    "customer_replied", "customer_opted_out", "opt_out_taken_back", "opt_out_lifted",
    "mail_bounced", "mail_complained", "mail_delayed",
    "cancel_requested",
    "agent_paused", "agent_resumed", "agent_changed", "sop_imported", "sop_published",
    "sop_disabled", "effects_halted", "effects_resumed", "budget_passed",
    "watcher_failed", "watcher_recovered", "watcher_paused", "watcher_resumed",
    "user_added", "user_changed", "user_away", "user_back",
    "secret_key_accepted", "credential_added", "credential_revoked", "vendor_down", "vendor_back",
]  # fmt: skip

SUMMARY_LENGTH = 500
sql = queries("task_events")


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be appended. Durations in milliseconds, cost in USD."""

    event_type: EventType
    step_id: UUID | None = None
    attempt: int | None = None
    tier: int | None = None
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    cost_usd: Decimal | None = None
    confidence: float | None = None
    duration_ms: int | None = None
    actor: str | None = None
    effect_key: str | None = None
    input_summary: str | None = None
    output_summary: str | None = None

    @property
    def summary(self) -> str | None:
        """The output's summary, cut to what the table takes."""
        return self.output_summary and self.output_summary[:SUMMARY_LENGTH]

    def params(self) -> dict[str, Any]:
        """The event as query parameters; summaries cut to what the table takes."""
        # Not asdict: it copies every value deeply, and this runs for each step.
        facts = {name: getattr(self, name) for name in self.__slots__}
        for name in ("input_summary", "output_summary"):
            if facts[name] is not None:
                facts[name] = facts[name][:SUMMARY_LENGTH]
        return facts


def append(conn: Connection, task_id: UUID, event: Event) -> int:
    """Append to a task's log; returns the event's seq."""
    return sql.append(conn, task_id=task_id, **event.params())


def append_configuration(conn: Connection, event: Event, *, agent_id: UUID | None = None) -> None:
    """Append what belongs to no task: a change of configuration, an agent's loop."""
    sql.append_configuration(conn, agent_id=agent_id, **event.params())


def timeline(conn: Connection, task_id: UUID, *, after: int = 0) -> list[dict[str, Any]]:
    """A task's events in order, with the key and name of each one's step."""
    return sql.timeline(conn, task_id=task_id, after=after)
