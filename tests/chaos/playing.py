"""Playing a story: once undisturbed, and once for each place, with a death there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from engine.errors import AlreadyAnswered
from engine.failpoints import KILLED
from tests.chaos import accounts
from tests.chaos.nursery import Child
from tests.chaos.stage import BEAT_SECONDS, Stage, Stuck
from tests.chaos.stories import Story
from web.local.slack.inputs import NothingThere

PATIENCE_SECONDS = 60.0
# A process that is killed between a call and its record leaves a doubt where the vendor
# cannot be asked: these places, and no others, end with a question to a person.
DOUBTFUL = frozenset(
    f"{place.format(vendor, purpose)}"
    for vendor, purpose in (("mail", "send"), ("http", "request"))
    for place in (
        "commit:intend:{0}:after",
        "call:{0}:{1}:before",
        "call:{0}:{1}:after",
        "commit:conclude:{0}:done:before",
    )
)


@dataclass
class Played:
    """How it went. `findings` is empty where everything is as it should be."""

    findings: list[str] = field(default_factory=list)
    places: frozenset[str] = frozenset()
    golden: list[tuple[str, str, dict[str, Any]]] | None = None
    seconds: float = 0.0


def play(stage: Stage, story: Story, *, place: str = "", golden: Any = None) -> Played:
    """Play the story to its end; with `place` the process dies there, and another one
    takes its work up."""
    began = time.monotonic()
    trace = stage.folder / "trace"
    try:
        _play(stage, story, place, str(trace))
        doubts = int(place.partition("#")[0] in DOUBTFUL)
        findings = accounts.audit(stage, story, doubts=doubts + story.doubts, golden=golden)
    except Stuck as stuck:
        findings = [str(stuck)]
    return Played(
        findings,
        frozenset(trace.read_text().split()) if trace.exists() else frozenset(),
        None if place else accounts.contexts(stage),
        time.monotonic() - began,
    )


def _play(stage: Stage, story: Story, place: str, trace: str) -> None:
    story.begin(stage)
    environment = dict(story.environment)
    environment |= {"ENGINE_FAILPOINT": place} if place else {"ENGINE_FAILPOINT_TRACE": trace}
    first = stage.worker(**environment)
    second: Child | None = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if first.ended.is_set() and second is None:
            if not place or first.code != KILLED:
                raise Stuck(f"the worker ended by itself with {first.code}; {stage.standing()}")
            second = stage.worker(**story.environment)
        done = story.meanwhile(stage)
        answer_all(stage, story)
        if done and (second is not None or not place) and stage.at_rest():
            return
        time.sleep(BEAT_SECONDS)
    if place and second is None:
        raise Stuck(f"{place} was never reached; {stage.standing()}")
    raise Stuck(f"no rest after {PATIENCE_SECONDS:g} s; {stage.standing()}")


def answer_all(stage: Stage, story: Story) -> None:
    """Press what is open and stands in Slack by now; rule on doubts by looking."""
    for row in stage.open_questions():
        question = row["question"]
        try:
            if question["resolves"] == "effect":
                stage.answer(question, stage.truth(question["effect_key"]))
            elif question["title"] in story.answers and row["ts"] is not None:
                stage.press(row, story.answers[question["title"]])
        except (AlreadyAnswered, NothingThere):
            continue  # pressed a moment ago; the click is on its way
