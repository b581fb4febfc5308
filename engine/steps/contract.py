"""What a step type is: a pydantic config and a function that returns an outcome.

    def run(config: Config, ctx: StepContext) -> Outcome

A step type never touches `tasks`, never enqueues and never commits; it reaches vendors
only through its context. What it returns says what happened; `engine/executor.py`
decides what that means. Failures are exceptions of `engine/errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from engine.agents import Agent
from engine.business import Business
from engine.crm import Crm
from engine.effects import Effect
from engine.mail import Mailer
from engine.settings import Settings
from engine.slack import Slack
from engine.steps import expressions
from engine.tasks import Task

if TYPE_CHECKING:
    from engine.correspondence import Correspondence

Object = TypeVar("Object", bound=BaseModel)
# The key of a mail's id once it is sent, so that a procedure can tell. Where only a person knows
# that it went out there is no id, and its value is SENT_UNNAMED.
SENT_ID = "email_sent_id"
SENT_UNNAMED = "unknown"
# Over whatever was approved before, and may have gone out, where a further mail was not.
NOTHING_APPROVED: Mapping[str, Any] = {"draft_mail": {}, SENT_ID: ""}


class StepConfig(BaseModel):
    """Base of every step type's config: unknown fields are errors, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# -- outcomes ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """The step did its work; `on_success` follows. `output` is added to the context."""

    output: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    confidence: float | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Goto:
    """The step did its work and says itself where to go on: a key, next or complete."""

    target: str
    output: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    confidence: float | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """The task is complete here. `reason` is a word for the log."""

    reason: str
    output: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Go on at `until`, with this step once more (`ctx.woken` is then true)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Option:
    """One way to answer. `form` says what the person fills in first: edit, reply, reason
    or None. `goto` is where the task goes on; None follows `on_success`."""

    value: str
    label: str
    style: str | None = None
    confirm: str | None = None
    form: str | None = None
    goto: str | None = None
    undoable: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a form asks for; it becomes the context key of the same name. What is
    typed in must be of the `type` (text, number, yes_no, list, or a label of `labels`)."""

    key: str
    label: str
    value: str = ""
    multiline: bool = False
    optional: bool = False
    type: str = "text"
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """A question for a person. `mail` is what would be sent: from, to, to_name, subject,
    body, footer, commercial. `into` names the context key that takes the chosen option."""

    title: str
    options: Sequence[Option]
    kind: str = "choice"
    into: str | None = None
    fields: Sequence[Field] = ()
    mail: Mapping[str, Any] | None = None
    quoted: str | None = None
    facts: Sequence[tuple[str, str]] = ()
    history: str = ""
    channel: str | None = None
    deadline_hours: float | None = None
    confidence: float | None = None
    notes: Sequence[str] = ()
    # On the campaign's one card, where the task belongs to a campaign.
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Park until a person has answered; the answer is the step's output."""

    asking: Asking


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The model is not sure enough, or a check on its result failed (`reasons`: closed
    words). The next tier tries; at the cap a person gets `asking`, made from the step's
    own output model, and the validated answer is the step's output."""

    reasons: Sequence[str]
    asking: Asking
    confidence: float | None = None
    # A check that a bigger model cannot mend (a missing name) goes to a person at once.
    final: bool = False


# In a tally: for how many items nothing was started, because they had had their turn before.
BEFORE = "before"


@dataclass(frozen=True, slots=True)
class FanOut:
    """A child task for each item; the parent goes on when all have ended. `pace` seconds
    lie between one child's start and the next. `once` names each one's occasion; one that
    is used up (`engine/occasions.py`) gets no child."""

    sop: str
    contexts: Sequence[Mapping[str, Any]]
    pace: float = 0.0
    once: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class StartTask:
    """Start another SOP, now or at `at`, as a child that is not waited for."""

    sop: str
    context: Mapping[str, Any]
    at: datetime | None = None


Outcome = Done | Goto | Stop | Sleep | Ask | Uncertain | FanOut | StartTask


# -- what a step is given ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One action of an SOP version, as published. Immutable, so it may be cached."""

    id: Any
    sop_id: Any
    position: int
    key: str
    name: str
    step_type: str
    config: StepConfig
    llm_tier: int
    max_llm_tier: int
    on_success: str
    on_failure: str
    on_uncertain: str
    max_retries: int
    timeout_seconds: int


class StepContext(Protocol):
    """Everything that a step may know and do."""

    @property
    def task(self) -> Task: ...
    @property
    def step(self) -> Step: ...
    @property
    def agent(self) -> Agent: ...
    @property
    def context(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def business(self) -> Business: ...
    @property
    def tier(self) -> int: ...
    @property
    def model(self) -> str:
        """The model of that tier; of a step without one it is empty."""
        ...

    @property
    def woken(self) -> bool:
        """True where this step has slept and its time has come."""
        ...

    @property
    def tally(self) -> Mapping[str, int] | None:
        """How the children of this step ended, once they all have."""
        ...

    def outcomes(self) -> Mapping[str, int]:
        """What became of the children of this task, as `engine/tallies.py` counts it."""
        ...

    def now(self) -> datetime:
        """Business time, from the database's clock."""
        ...

    def timeout(self, at_most: float) -> float:
        """Seconds that a call may take: `at_most`, or what is left of the step's time."""
        ...

    def render(self, source: str) -> expressions.Rendered: ...

    def ask_model(
        self,
        prompt: str,
        model: type[Object],
        *,
        facts: Sequence[str],
        outside: Sequence[str],
    ) -> Object:
        """One validated object from this step's tier. The call and its cost are recorded
        before the object is looked at. Raises ReplyInvalid when the model will not."""
        ...

    def read_crm(self, call: Callable[[Crm], Any]) -> Any:
        """A read; raises what the port raises. StepFailed where there is no CRM."""
        ...

    @property
    def has_crm(self) -> bool: ...

    def perform(self, effect: Effect) -> Mapping[str, Any]:
        """Make an effect happen, through the gate; returns the vendor's ids."""
        ...

    @property
    def slack(self) -> Slack: ...
    @property
    def mailer(self) -> Mailer: ...
    @property
    def crm(self) -> Crm | None: ...

    @property
    def correspondence(self) -> Correspondence:
        """What this task and its customer write to each other."""
        ...

    def channel(self, name: str | None) -> str:
        """A channel by its name in the settings (leads, escalations, …), the agent's own
        where there is no name."""
        ...


class StepType(Protocol):
    """What the dict in `engine/steps/__init__.py` holds: a module of this shape."""

    Config: type[StepConfig]

    def run(self, config: Any, ctx: StepContext) -> Outcome: ...

    # A module may also have `calls_out(config) -> bool`: False where the step never waits
    # for a vendor, True where it does so by its context alone. Then its thread leaves its place
    # among those that work (engine/floor.py) for the call, and otherwise for the whole step.
    # And `skipped(config) -> Goto | None`: where a person's "go on without it" leads after a
    # failure, where that is not on_success. What it may have for the check of a file, before
    # anything runs, is told in `engine/steps/ways.py`.
