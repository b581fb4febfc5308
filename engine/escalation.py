"""Putting a question to a person: asked by a step, at the tiers' cap, about a failure,
or about an effect in doubt.

Parking commits the question, its token, its deadline and its card together, so that it
can be answered in the web before Slack has it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from engine import (
    batches,
    cards,
    deadlines,
    departures,
    history,
    progress,
    questions,
    rulings,
    verdicts,
)
from engine.agents import Agent
from engine.positions import Position
from engine.postgres import Connection
from engine.reasons import called, in_words
from engine.runtime import Runtime
from engine.step_run import Run
from engine.steps.contract import Asking, Option, Step, Uncertain
from engine.task_events import Event

ESCALATIONS = "escalations"
IN_DOUBT = {"mail": "This mail", "crm": "This entry", "slack": "This post", "http": "This call"}


def ask(runtime: Runtime, run: Run, asking: Asking) -> bool:
    """The question of an asking step."""
    return _park(runtime, run, asking, [], batch=run.step if asking.batch else None)


def uncertain(runtime: Runtime, run: Run, outcome: Uncertain) -> bool:
    """The next tier tries; at the cap, or where no model can help, a person."""
    reasons = ", ".join(outcome.reasons)
    event = Event(
        "step_uncertain",
        step_id=run.step.id,
        tier=run.tier,
        confidence=outcome.confidence,
        duration_ms=round((time.monotonic() - run.step_began) * 1000),
        output_summary=reasons,
    )
    if run.step.on_uncertain != "escalate_tier":
        return progress.move(
            runtime, run, departures.destination(run, run.step.on_uncertain), [event]
        )
    if outcome.final or run.tier >= run.highest_tier:
        return ask_at_cap(runtime, run, outcome.asking, event)
    tier = run.tier + 1
    over = departures.turn_is_over(runtime, run, steps=run.steps_done)
    status = "pending" if over else "in_progress"
    position = Position(status, run.step.id, run.task.visit, tier=tier, yields=over)
    events = [event, Event("tier_escalated", step_id=run.step.id, tier=tier)]

    def tell(conn: Connection) -> None:
        sop = run.procedure.sop.slug
        cards.raise_alarm(
            conn,
            f"tier3:{sop}:{run.step.key}",
            f"{run.procedure.sop.name}: the step “{run.step.name}” needed the dearest model.",
            channel=runtime.settings.channel_escalations,
            task_id=run.task.id,
        )

    row = progress.write(runtime, run, position, events, also=tell if tier == 3 else None)
    if over:
        return False
    run.task = replace(
        run.task, tier=tier, attempt=0, cancel_requested_at=row["cancel_requested_at"]
    )
    departures.enter(run, run.step)
    return True


def ask_at_cap(runtime: Runtime, run: Run, asking: Asking, event: Event) -> bool:
    """No model may decide it: the person's answer is the step's output. A campaign's
    stands on the campaign's card, as one to be looked at by itself."""
    batch = next((s for s in run.procedure.steps if getattr(s.config, "batch", False)), None)
    return _park(runtime, run, asking, [event], channel=ESCALATIONS, batch=batch)


def ask_in_doubt(
    runtime: Runtime,
    run: Run,
    effect_key: str,
    *,
    events: Sequence[Event] = (),
    also: progress.Also | None = None,
) -> bool:
    """Nobody knows whether the call arrived, and nobody is to be called twice."""
    service = _service(run)
    asking = Asking(
        kind="in_doubt",
        title=f"{IN_DOUBT[service]} may or may not have gone out",
        options=[
            Option("sent", "It went out", style="primary"),
            Option("send", "It did not: send it now", confirm="It may arrive twice if it did."),
            Option("drop", "It did not: drop it", style="danger"),
        ],
        facts=[("Where to look", rulings.PLACES[service]), ("Reference", effect_key)],
        mail=_approved(run),
    )
    return _park(
        runtime, run, asking, events, channel=ESCALATIONS, resolves="effect",
        effect_key=effect_key, also=also,
    )  # fmt: skip


def _service(run: Run) -> str:
    """Whom the step calls."""
    service = getattr(run.step.config, "service", "slack")
    return "mail" if service == "email" else service


def _approved(run: Run) -> dict[str, Any] | None:
    mail = run.task.context.get(getattr(run.step.config, "mail", ""))
    return {**mail, "from": "", "body": mail["text"], "footer": ""} if mail else None


def ask_about_failure(
    runtime: Runtime, run: Run, code: str, event: Event, alarm: str | None
) -> bool:
    """The task is escalated and stays open: try again, go on without it, or give up."""
    asking = Asking(
        kind="escalation",
        title=f"The step “{run.step.name}” failed",
        options=[
            Option("retry", "Try again", style="primary"),
            Option("skip", "Go on without it"),
            Option("fail", "Give up", style="danger", confirm="The task ends here as failed."),
        ],
        facts=[("What happened", in_words(code))],
    )
    events = [event, Event("task_escalated", step_id=run.step.id, output_summary=code)]

    def tell(conn: Connection) -> None:
        if alarm is not None:
            cards.raise_alarm(
                conn,
                alarm,
                f"{called(alarm.partition(':')[2])} does not accept our credential. Replace it.",
                channel=runtime.settings.channel_escalations,
                task_id=run.task.id,
            )

    return _park(
        runtime, run, asking, events, channel=ESCALATIONS, resolves="failure",
        status="escalated", error=code, also=tell,
    )  # fmt: skip


def _park(
    runtime: Runtime,
    run: Run,
    asking: Asking,
    events: Sequence[Event],
    *,
    channel: str | None = None,
    resolves: str = "step",
    effect_key: str | None = None,
    status: str = "waiting_on_human",
    error: str | None = None,
    batch: Step | None = None,
    also: progress.Also | None = None,
) -> bool:
    task = run.task
    settings = runtime.settings
    with runtime.database.read() as conn:
        earlier = history.of_customer(conn, task, runtime.business.zone)
        judged = verdicts.on_question(
            conn, runtime, run.procedure, run.agent, run.step, task.context, asking.mail
        )
        campaign = batches.campaign_of(conn, task.id) if batch else None
        hours = asking.deadline_hours or settings.question_deadline_hours
        deadline = deadlines.of_new(runtime, conn, hours)
    elsewhere = channel if campaign is None else None
    name = asking.channel or elsewhere or run.agent.slack_channel or ESCALATIONS
    where = settings.channel(name)
    tier = task.context.get("draft_tier") if asking.mail else None
    tier = run.tier if run.step.step_type.startswith("llm_") else tier
    question = questions.compose(
        asking,
        task=task,
        step_key=run.step.key,
        why=_why(run),
        agent={"name": run.agent.name, "icon": run.agent.icon},
        channel=where,
        deadline=deadline,
        if_silent=deadlines.if_silent(runtime.business, deadline, asking.kind),
        history=earlier,
        tier=tier,
        model=runtime.tiers[tier].model if tier else None,
        resolves=resolves,
        effect_key=effect_key,
        in_batch=campaign is not None,
    ) | (judged if resolves == "step" else {})
    position = Position(
        status,
        run.step.id,
        task.visit,
        attempt=task.attempt,
        tier=task.tier,
        wait_token=UUID(question["token"]),
        question=question,
        deadline=deadline,
        error=error,
    )
    asked = Event("human_asked", step_id=run.step.id, output_summary=f"{asking.kind} in {where}")

    alike = None
    if where == settings.channel_escalations != home(runtime, run.agent):
        # One cause, one ring: what asks the same stands in the thread of the first.
        alike = ":".join([run.procedure.sop.slug, run.step.key, asking.kind, error or ""])

    def open_card(conn: Connection) -> None:
        if campaign is not None and batch is not None:
            batches.join(conn, question, task_id=task.id, campaign_id=campaign, step_id=batch.id)
        else:
            cards.open_question(conn, question["id"], task_id=task.id, channel=where, alike=alike)
        if also is not None:
            also(conn)

    progress.write(runtime, run, position, [*events, asked], also=open_card)
    return False


def home(runtime: Runtime, agent: Agent) -> str:
    """The channel in which an agent's tasks have their threads."""
    return runtime.settings.channel(agent.slack_channel or ESCALATIONS)


def _why(run: Run) -> str:
    sop = run.procedure.sop
    trigger = run.task.context.get("trigger")
    return " · ".join(part for part in (sop.name, run.step.name, trigger) if part)
