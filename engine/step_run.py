"""One run of a task by this worker, and the context that its current step is given.

`Run` is what the worker holds between claim and record; its lease is renewed by
`crew.py`. `Context` implements `StepContext` of `engine/steps/contract.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine import effects, failpoints, rate_limits, tallies, tasks
from engine.agents import Agent
from engine.business import Business
from engine.correspondence import Correspondence
from engine.crm import Crm
from engine.effects import Effect, Owner, Ruling
from engine.errors import (
    EngineError,
    Held,
    NotAllowed,
    RateLimited,
    Refused,
    RunLost,
    StepFailed,
    Unreachable,
)
from engine.llm import calls
from engine.mail import Mailer
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.settings import Settings
from engine.slack import Slack
from engine.solitude import WOKEN_SUSPECT
from engine.sops import Procedure
from engine.steps import expressions
from engine.steps.contract import Object, Step
from engine.tasks import Task

SERVICES = {"mail": "email:send", "crm": "crm:write", "slack": "slack:post", "http": "http:call"}


class StepTimedOut(EngineError):
    """The step took longer than it may."""

    code = "timed_out"


@dataclass(slots=True, eq=False)
class Run:
    """A claimed task in this process. Moments are of time.monotonic()."""

    task: Task
    procedure: Procedure
    agent: Agent
    step: Step
    lease_until: float
    step_deadline: float
    began: float = field(default_factory=time.monotonic)
    step_began: float = field(default_factory=time.monotonic)
    # A worker that is shutting down starts no effect after this.
    last_effect_at: float = math.inf
    # Within, its thread waits for a vendor, and others work; see `floor.py`.
    away: Callable[[], AbstractContextManager[None]] = nullcontext
    steps_done: int = 0
    lost: bool = False

    @property
    def tier(self) -> int:
        """The tier this visit stands at: the step's lowest, until it is escalated."""
        lowest = min(self.step.llm_tier, self.highest_tier)
        return lowest if self.task.tier is None else self.task.tier

    @property
    def highest_tier(self) -> int:
        return min(max(self.step.max_llm_tier, self.step.llm_tier), self.procedure.sop.max_tier)

    def confirm(self) -> None:
        """Asked before each intent and right before each call. Raises RunLost where the
        lease may be over, Held where this worker is shutting down."""
        now = time.monotonic()
        if self.lost or now >= min(self.lease_until, self.step_deadline):
            raise RunLost(f"task {self.task.number}")
        if now >= self.last_effect_at:
            raise Held("shutdown")

    def confirm_writable(self) -> None:
        """Raises RunLost where the watchdog has voided this run: it wrote the end itself."""
        if self.lost:
            raise RunLost(f"task {self.task.number}")


@dataclass(slots=True)
class Context:
    runtime: Runtime
    run: Run
    tally: Mapping[str, int] | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def task(self) -> Task:
        return self.run.task

    @property
    def step(self) -> Step:
        return self.run.step

    @property
    def agent(self) -> Agent:
        return self.run.agent

    @property
    def context(self) -> Mapping[str, Any]:
        return self.run.task.context

    @property
    def settings(self) -> Settings:
        return self.runtime.settings

    @property
    def business(self) -> Business:
        return self.runtime.business

    @property
    def slack(self) -> Slack:
        return self.runtime.slack

    @property
    def mailer(self) -> Mailer:
        return self.runtime.mailer

    @property
    def crm(self) -> Crm | None:
        return self.runtime.crm

    @property
    def has_crm(self) -> bool:
        return self.runtime.crm is not None

    @property
    def tier(self) -> int:
        return self.run.tier

    @property
    def model(self) -> str:
        return self.runtime.tiers[self.run.tier].model if self.run.tier else ""

    @property
    def woken(self) -> bool:
        task = self.run.task
        over = task.parked_for in (None, WOKEN_SUSPECT)
        return task.wake_at is not None and over and task.step_id is not None

    def outcomes(self) -> Mapping[str, int]:
        with self.runtime.database.read() as conn:
            return tallies.of_children(conn, self.task.id)

    def now(self) -> datetime:
        with self.runtime.database.read() as conn:
            return tasks.now(conn)

    def timeout(self, at_most: float) -> float:
        left = self.run.step_deadline - time.monotonic()
        if left <= 0:
            raise StepTimedOut(self.step.key)
        return min(at_most, left)

    def render(self, source: str) -> expressions.Rendered:
        rendered = expressions.render(source, {"business": self.business, **self.context})
        self.missing.extend(rendered.missing)
        return rendered

    def channel(self, name: str | None) -> str:
        wanted = name or self.agent.slack_channel or "ops_log"
        return self.settings.channel(wanted)

    @property
    def correspondence(self) -> Correspondence:
        here = self.runtime
        return Correspondence(
            here.database,
            here.settings,
            here.business,
            self.task,
            here.sent_folder,
            self.run.away,
        )

    def ask_model(
        self,
        prompt: str,
        model: type[Object],
        *,
        facts: Sequence[str],
        outside: Sequence[str],
    ) -> Object:
        if not self.agent.may_use(f"llm:tier{self.tier}") and not self.agent.may_use("llm"):
            raise NotAllowed(f"agent {self.agent.slug} may not use llm:tier{self.tier}")
        return calls.ask_model(self, prompt, model, facts=facts, outside=outside)

    def read_crm(self, call: Callable[[Crm], Any]) -> Any:
        crm = self.runtime.crm
        if crm is None:
            raise StepFailed("there is no CRM")
        if not self.agent.may_use("crm:read"):
            raise NotAllowed(f"agent {self.agent.slug} may not use crm:read")
        with self.runtime.database.read() as conn:
            paused, down = rate_limits.standing(conn, "crm")
        if paused > 0:
            raise RateLimited("crm", "waiting", retry_after=paused)
        if down is not None and down.wait > 0:
            raise Unreachable("crm", "outage")
        failpoints.reach("call:crm:read:before")
        try:
            with self.run.away():
                result = call(crm)
        except RateLimited as error:
            with self.runtime.database.statement("push_rate_limit") as conn:
                rate_limits.push(conn, "crm", "", error.retry_after)
            raise
        failpoints.reach("call:crm:read:after")
        if down is not None:
            self._recovered("crm")
        return result

    def perform(self, effect: Effect) -> Mapping[str, Any]:
        service = SERVICES[effect.vendor]
        if not self.agent.may_use(service):
            raise Refused(effect.vendor, f"agent {self.agent.slug} may not use {service}")
        owner = Owner(
            key=f"{self.task.id}.{self.task.visit}",
            task_id=self.task.id,
            step_id=self.step.id,
            run_token=self.task.run_token,
            confirm=self.run.confirm,
            slot=self.task.parked_for,
            dissolve=self._dissolve,
            away=self.run.away,
        )
        result = effects.perform(
            self.runtime.database,
            self.settings,
            owner,
            effect,
            timeout=self.timeout(effect.timeout),
        )
        self._recovered(effect.vendor)
        if effect.vendor == "slack":
            self._open_thread(effect, result)
        return result

    def _dissolve(self, conn: Connection, key: str, ruling: Ruling) -> None:
        from engine import doubts

        doubts.dissolve(conn, self.settings, self.task.id, key, ruling)

    def _open_thread(self, effect: Effect, result: Mapping[str, Any]) -> None:
        """A task's first message in its agent's own channel opens its thread."""
        home = self.agent.slack_channel and self.settings.channel(self.agent.slack_channel)
        if self.task.slack_thread_ts is not None or effect.rate_key != home:
            return
        if "ts" not in result:
            # A person says that it is there; where, nobody knows.
            return
        channel, ts = result["channel"], result["ts"]
        with self.runtime.database.statement("open_thread") as conn:
            tasks.sql.set_thread(conn, task_id=self.task.id, channel=channel, ts=ts)
        self.run.task = replace(self.task, slack_channel=channel, slack_thread_ts=ts)

    def _recovered(self, vendor: str) -> None:
        from engine import outages

        outages.over(self.runtime, vendor)
