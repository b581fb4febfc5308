"""SOPs as files: YAML that a person can read, validated down to the step and the field.

What is imported and exported again is the same file: defaults are left out, and the
order is the author's. An error names the file, the step, the field and the cure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine import agents, sops, task_events, yaml_files
from engine.errors import SopInvalid
from engine.postgres import Connection
from engine.sop_mistakes import KEY, path, said, told
from engine.sops import Sop
from engine.steps import STEP_TYPES
from engine.steps.contract import StepConfig
from engine.task_events import Event

MODEL_STEPS = frozenset({"llm_classify", "llm_draft", "llm_decide", "llm_analyze"})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StepFile(_Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1)
    type: Literal[
        "query", "api_call", "llm_classify", "llm_draft", "llm_decide", "llm_analyze",
        "slack_notify", "slack_ask_human", "enqueue_next", "wait", "for_each",
    ]  # fmt: skip
    tier: int = Field(default=0, ge=0, le=3)
    max_tier: int | None = Field(default=None, ge=0, le=3)
    on_success: str = "next"
    on_failure: str = "escalate"
    on_uncertain: str = "escalate_tier"
    max_retries: int = Field(default=3, ge=0, le=20)
    timeout_seconds: int = Field(default=120, ge=1, le=3600)
    config: dict[str, Any] = Field(default_factory=dict)


class Trigger(_Part):
    type: Literal["manual", "watcher", "event", "agent_loop"] = "manual"
    # Not `on`: YAML reads that as true.
    events: tuple[str, ...] = ()
    # Those that whoever starts a task of it gives beside what the engine does.
    keys: tuple[Annotated[str, Field(pattern=KEY)], ...] = ()


class SopFile(_Part):
    slug: str = Field(pattern=KEY)
    name: str = Field(min_length=1)
    description: str = ""
    agent: str
    trigger: Trigger = Trigger()
    required_services: tuple[str, ...] = ()
    max_tier: int = Field(default=3, ge=0, le=3)
    steps: tuple[StepFile, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that holds a usable procedure, with each step's parsed config."""

    file: SopFile
    configs: tuple[StepConfig, ...]


def read(path: Path) -> Checked:
    """The procedure in a file; raises SopInvalid with every problem it has, a line each."""
    return _checked(yaml_files.read(path, refuse=SopInvalid), str(path))


def parse(text: str, *, name: str) -> Checked:
    return _checked(yaml_files.parse(text, name=name, refuse=SopInvalid), name)


def _checked(raw: Any, name: str) -> Checked:
    if not isinstance(raw, dict):
        raise SopInvalid(f"{name}: expected slug, name, agent and steps; see docs/procedures.md")
    try:
        file = SopFile.model_validate(raw)
    except ValidationError as error:
        raise SopInvalid("\n".join(told(name, raw, SopFile, error))) from None
    configs, problems = [], list(_problems(file))
    for step in file.steps:
        form = STEP_TYPES[step.type].Config
        try:
            configs.append(form.model_validate(step.config))
        except ValidationError as error:
            problems += [
                f"step {step.key!r}, field config.{path(e['loc'])}: {said(e, form)}"
                for e in error.errors()
            ]
            continue
        problems += [
            f"step {step.key!r}, field config.{field}: no step {target!r}{_near(target, file)}"
            for field, target in _targets(step.config)
            if target not in _places(file)
        ]
    if problems:
        raise SopInvalid("\n".join(f"{name}: {problem}" for problem in problems))
    return Checked(file, tuple(configs))


def _places(file: SopFile) -> set[str]:
    return {"next", "complete", *(step.key for step in file.steps)}


def _near(target: str, file: SopFile) -> str:
    near = difflib.get_close_matches(target, _places(file), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _targets(config: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every place in a config that names where to go on."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            here = f"{field}.{key}" if field else str(key)
            if key in ("goto", "absent", "unless_replied", "otherwise") and isinstance(value, str):
                yield here, value
            elif key == "branches" and isinstance(value, Mapping):
                yield from ((f"{here}.{label}", str(target)) for label, target in value.items())
            else:
                yield from _targets(value, here)
    elif isinstance(config, list):
        for n, value in enumerate(config):
            yield from _targets(value, f"{field}.{n}")


def _problems(file: SopFile) -> Iterator[str]:
    keys = [step.key for step in file.steps]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"step {key!r}: stands twice; give each step a key of its own"
    for step in file.steps:
        where = f"step {step.key!r}, field "
        for field, words in (
            ("on_success", ()),
            ("on_failure", ("retry", "fail", "escalate")),
            ("on_uncertain", ("escalate_tier",)),
        ):
            target = getattr(step, field)
            if target not in _places(file) and target not in words:
                yield f"{where}{field}: there is no step {target!r}{_near(target, file)}"
        if step.type in MODEL_STEPS:
            highest = file.max_tier if step.max_tier is None else step.max_tier
            if step.tier < 1:
                yield f"{where}tier: a model step needs tier 1, 2 or 3"
            elif step.tier > min(highest, file.max_tier):
                yield f"{where}tier: {step.tier} is above max_tier {min(highest, file.max_tier)}"
        elif step.tier or step.max_tier:
            yield f"{where}tier: {step.type} uses no model; remove it"


# -- into and out of the database ---------------------------------------------------------


def save(conn: Connection, checked: Checked, *, origin: str, by: str, publish: bool = True) -> Sop:
    """Write the file's procedure as the next version, and publish it."""
    file = checked.file
    agent = agents.get_by_slug(conn, file.agent)
    definition = {
        "slug": file.slug,
        "name": file.name,
        "description": file.description,
        "trigger_type": file.trigger.type,
        "trigger_config": file.trigger.model_dump(
            mode="json", exclude={"type"}, exclude_defaults=True
        ),
        "required_services": list(file.required_services),
        "max_tier": file.max_tier,
        "origin": origin,
    }
    draft = sops.save_draft(conn, definition, _rows(file), agent_id=agent.id)
    event = Event("sop_imported", actor=by, output_summary=f"{draft.slug} v{draft.version}")
    task_events.append_configuration(conn, event, agent_id=agent.id)
    return sops.publish(conn, draft.id, by=by) if publish else draft


def _rows(file: SopFile) -> list[dict[str, Any]]:
    rows = []
    for step in file.steps:
        row = step.model_dump(exclude={"type", "tier", "max_tier"})
        row["step_type"] = step.type
        row["llm_tier"] = step.tier
        highest = file.max_tier if step.type in MODEL_STEPS else 0
        row["max_llm_tier"] = highest if step.max_tier is None else step.max_tier
        rows.append(row)
    return rows


def same(conn: Connection, sop: Sop, checked: Checked) -> bool:
    """Whether a version says what the file says."""
    return export(conn, sop) == dump(checked.file)


def export(conn: Connection, sop: Sop) -> str:
    """A version as the text of a file."""
    agent = agents.get(conn, sop.agent_id)
    steps = []
    for row in sops.sql.steps(conn, sop_id=sop.id):
        model = row["step_type"] in MODEL_STEPS
        highest = row["max_llm_tier"] if model else None
        steps.append(
            StepFile(
                **{name: row[name] for name in ("key", "name", "on_success", "on_failure",
                   "on_uncertain", "max_retries", "timeout_seconds", "config")},
                type=row["step_type"],
                tier=row["llm_tier"],
                max_tier=None if highest == sop.max_tier else highest,
            )
        )  # fmt: skip
    return dump(
        SopFile(
            slug=sop.slug,
            name=sop.name,
            description=sop.description,
            agent=agent.slug,
            trigger=Trigger.model_validate({**sop.trigger_config, "type": sop.trigger_type}),
            required_services=tuple(sop.required_services),
            max_tier=sop.max_tier,
            steps=tuple(steps),
        )
    )


def dump(file: SopFile) -> str:
    """The file's canonical text."""
    return yaml_files.dump(file.model_dump(mode="json", exclude_defaults=True))
