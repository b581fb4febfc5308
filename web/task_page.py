"""Everything that a task's page says, read in one go and put into words.

The page is drawn whole at first and in parts afterwards; both begin here. `version`
changes whenever anything on the page but the clock does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine import agents, effects, lost_cards, rulings, task_events, task_list, tasks, verdicts
from engine.attendance import attendance
from engine.cards import Card as SlackCard
from engine.errors import NotFound
from engine.inbox import Waiting
from engine.postgres import Connection
from engine.reasons import in_words
from engine.runtime import Runtime
from engine.sops import Sop
from engine.steps.contract import Step
from engine.task_list import TaskRow
from engine.tasks import FINISHED, PERSONAL_PREFIXES, Task
from engine.verdicts import Record
from web.formats import day_and_time
from web.question_cards import Card, card
from web.standing import Standing, standing
from web.timeline import Line, Names, Telling, labels_of
from web.wording import effect_words, purpose_of

SHOWN_QUESTIONS = frozenset({"open", "editing", "undo"})
GROUPS = ("customer_", "email_", "draft_")


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step of the procedure and how far the task is with it: done, now, stuck, ahead.
    An approval has its record, one for each model that has drafted for it."""

    step: Step
    state: str
    records: list[Record]


@dataclass(frozen=True, slots=True)
class EffectLine:
    subject: str
    happened: str
    vendor: str
    state: str
    what: str
    attempt: int
    at: datetime
    ids: dict[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Value:
    """One key of the context. `personal` ones are erased after the task's end."""

    key: str
    text: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Totals:
    cost_usd: Decimal
    tokens: int
    calls: int


@dataclass(frozen=True, slots=True)
class TaskPage:
    task: Task
    sop: Sop
    agent_name: str
    standing: Standing
    started_by: str
    customer: str
    card: Card | None
    slack_card: SlackCard | None
    steps: list[StepLine]
    lines: list[Line]
    last: int
    effects: list[EffectLine]
    values: list[Value]
    totals: Totals
    parent: int | None
    children: list[tuple[TaskRow, Standing]]
    now: datetime
    version: str

    @property
    def over(self) -> bool:
        return self.task.status in FINISHED

    @property
    def rerunnable(self) -> bool:
        task = self.task
        return not (task.erased_at or task.status == "in_progress" or task.open_children)

    @property
    def cancellable(self) -> bool:
        return not self.over and self.task.cancel_requested_at is None


def read_page(
    conn: Connection, runtime: Runtime, number: int, *, after: int = 0
) -> TaskPage | None:
    """The page, with the events after `after`; None where there is no such task."""
    try:
        task = tasks.get_by_number(conn, number)
    except NotFound:
        return None
    zone = runtime.business.zone
    now = tasks.now(conn)
    procedure = runtime.procedures.of(conn, task.sop_id)
    events = task_events.timeline(conn, task.id)
    made = effects.sql.of_task(conn, task_id=task.id)
    names = Names.read(conn)
    telling = Telling(
        names=names,
        vendors={row["key"]: row["vendor"] for row in made},
        labels=labels_of(task.question),
        zone=zone,
    )

    def time(at: datetime) -> str:
        return day_and_time(at, now, zone)

    row = _row(conn, task)
    asked = _card(runtime, conn, task, procedure.sop.name, now)
    agent = agents.get(conn, task.agent_id)
    records = {
        step.id: verdicts.of_step(conn, runtime, procedure, agent, step) for step in procedure.steps
    }
    return TaskPage(
        task=task,
        sop=procedure.sop,
        agent_name=agent.name,
        standing=standing(row, time),
        started_by=names.of(events[0]["actor"] if events else None),
        customer=str(task.context.get("customer_name") or "").strip(),
        card=asked,
        slack_card=lost_cards.of_task(conn, task) if asked else None,
        steps=_steps(procedure.steps, task, events, records),
        lines=telling.lines([event for event in events if event["seq"] > after]),
        last=events[-1]["seq"] if events else 0,
        effects=[_effect(one) for one in made],
        values=_values(task.context),
        totals=_totals(events),
        parent=tasks.get(conn, task.parent_id).number if task.parent_id else None,
        children=[(one, standing(one, time)) for one in task_list.children(conn, task.id)],
        now=now,
        version=_version(task, asked),
    )


def _row(conn: Connection, task: Task) -> TaskRow:
    return TaskRow(**task_list.sql.rows(conn, ids=[task.id])[0])


def _card(
    runtime: Runtime, conn: Connection, task: Task, sop_name: str, now: datetime
) -> Card | None:
    question = task.question
    if question is None or question["state"] not in SHOWN_QUESTIONS:
        return None
    shown = card(runtime, attendance(conn), Waiting(task, question, sop_name), now)
    return shown if shown.answerable or shown.state_name == "undo" else None


def _version(task: Task, asked: Card | None) -> str:
    seen = (
        *(task.events, task.status, task.wake_at, task.parked_for, task.open_children),
        *(task.cancel_requested_at, task.step_id, task.erased_at),
        *((asked.token, asked.state) if asked else ()),
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _steps(
    steps: Sequence[Step],
    task: Task,
    events: Sequence[Mapping[str, Any]],
    records: Mapping[UUID, list[Record]],
) -> list[StepLine]:
    done = {event["step_id"] for event in events if event["event_type"] == "step_completed"}

    def state(step: Step) -> str:
        if step.id == task.step_id and task.status != "completed":
            return "stuck" if task.status in ("failed", "escalated", "cancelled") else "now"
        return "done" if step.id in done else "ahead"

    return [StepLine(step, state(step), records[step.id]) for step in steps]


def _effect(row: Mapping[str, Any]) -> EffectLine:
    subject, happened = effect_words(row["vendor"], purpose_of(row["key"]))
    return EffectLine(
        subject=subject,
        happened=happened,
        vendor=row["vendor"],
        state=rulings.UNKNOWN if row["code"] == rulings.UNKNOWN else row["state"],
        what=in_words(row["code"]),
        attempt=row["attempt"],
        at=row["finished_at"] or row["intended_at"],
        ids=row["result"] or {},
        key=row["key"],
    )


def _values(context: Mapping[str, Any]) -> list[Value]:
    """The customer's data first, then the rest, each by name."""

    def place(key: str) -> tuple[int, str]:
        group = next((n for n, prefix in enumerate(GROUPS) if key.startswith(prefix)), len(GROUPS))
        return group, key

    return [
        Value(key, _text(context[key]), key.startswith(PERSONAL_PREFIXES))
        for key in sorted(context, key=place)
    ]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _totals(events: Sequence[Mapping[str, Any]]) -> Totals:
    called = [event for event in events if event["event_type"] == "llm_called"]
    return Totals(
        cost_usd=sum((event["cost_usd"] or Decimal(0) for event in events), Decimal(0)),
        tokens=sum(
            (event[name] or 0)
            for event in called
            for name in ("tokens_in", "tokens_cached", "tokens_out")
        ),
        calls=len(called),
    )
