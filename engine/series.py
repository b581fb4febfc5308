"""A series: the drafts that one record speaks of, for they were made and judged alike.

Two drafts belong to the same series when the step that asked, the step that drafted, what
the model was told beside the customer's own matter, and the model are the same. A change
of any of them begins a new series, whatever the version's number; a version that leaves
them alone goes on with the old one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.agents import Agent
from engine.business import introduction
from engine.llm.prompts import HOUSE_RULES
from engine.runtime import Runtime
from engine.sops import Procedure
from engine.steps import expressions
from engine.steps.contract import Step

DRAFTED = frozenset({"draft_subject", "draft_body"})


@dataclass(frozen=True, slots=True)
class Series:
    """`draft_step` and `model` are empty where a person or the procedure wrote the text."""

    step_id: UUID
    draft_step_id: UUID | None
    model: str
    prompt: bytes
    hash: bytes


def of_draft(
    runtime: Runtime, procedure: Procedure, agent: Agent, step: Step, context: Mapping[str, Any]
) -> Series:
    """The series of the draft that a task's approval shows now."""
    drafted_at = context.get("draft_step") if _shows_draft(step) else None
    drafting = next((one for one in procedure.steps if one.key == drafted_at), None)
    model = str(context.get("draft_model") or "") if drafting else ""
    return _series(runtime, procedure, agent, step, drafting, model)


def of_step(runtime: Runtime, procedure: Procedure, agent: Agent, step: Step) -> list[Series]:
    """Every series that this step's approvals can belong to as things stand now."""
    found = [_series(runtime, procedure, agent, step, None, "")]
    if _shows_draft(step):
        found += [
            _series(runtime, procedure, agent, step, drafting, model)
            for drafting in procedure.steps
            if drafting.step_type == "llm_draft"
            for model in _models(runtime, procedure, drafting)
        ]
    return found


def is_approval(step: Step) -> bool:
    return step.step_type == "slack_ask_human" and getattr(step.config, "kind", "") == "approval"


def _shows_draft(step: Step) -> bool:
    mail = getattr(step.config, "mail", None)
    texts = (mail.subject, mail.body) if mail else ()
    return any(DRAFTED & expressions.names_in(text) for text in texts)


def _models(runtime: Runtime, procedure: Procedure, step: Step) -> Iterator[str]:
    highest = min(max(step.max_llm_tier, step.llm_tier), procedure.sop.max_tier)
    return (runtime.tiers[tier].model for tier in range(max(1, step.llm_tier), highest + 1))


def _series(
    runtime: Runtime,
    procedure: Procedure,
    agent: Agent,
    step: Step,
    drafting: Step | None,
    model: str,
) -> Series:
    prompt = _digest(_told(runtime, procedure, agent, drafting) if drafting else "")
    kind = (procedure.sop.slug, _described(step), prompt.hex(), model)
    return Series(step.id, drafting.id if drafting else None, model, prompt, _digest(kind))


def _told(runtime: Runtime, procedure: Procedure, agent: Agent, drafting: Step) -> Any:
    sop = procedure.sop
    return (
        (agent.name, agent.description, sop.name, sop.description),
        (introduction(runtime.business), HOUSE_RULES),
        _described(drafting),
    )


def _described(step: Step) -> Any:
    return step.key, step.step_type, step.config.model_dump(mode="json")


def _digest(value: Any) -> bytes:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
