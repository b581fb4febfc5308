"""Playing a story: once undisturbed, and once for each place, with a death there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import AlreadyAnswered
from engine.failpoints import KILLED
from tests.chaos import accounts
from tests.chaos.nursery import Child
from tests.chaos.stage import Stage, Stuck
from tests.chaos.stories import Story
from web.local.slack.inputs import NothingThere

PATIENCE_SECONDS = 90.0
# So often a person looks; ten of them at once look at a machine of two processors.
BEAT_SECONDS = 0.2
# So long a story that is at its end is given to come by the place after all.
LINGER_SECONDS = 5.0
CANNOT_BE_ASKED = (("mail", "send"), ("http", "request"))
BEFORE_IT_WENT_OUT = ("commit:intend:{0}:after", "call:{0}:{1}:before")
AFTER_IT_WENT_OUT = (
    "call:{0}:{1}:after",
    "commit:conclude:{0}:done:before",
    "commit:conclude:{0}:refused:before",
)


def _places(patterns: Sequence[str]) -> dict[str, str]:
    return {
        pattern.format(vendor, purpose): vendor
        for vendor, purpose in CANNOT_BE_ASKED
        for pattern in patterns
    }


# A process that is killed between a call and its record leaves a doubt where the vendor
# cannot be asked: these places must end with a question to a person, and another one may
# only where another thread of the worker that died was calling.
DOUBTFUL = _places(BEFORE_IT_WENT_OUT + AFTER_IT_WENT_OUT)
# What did not go out is sent then, and may end in doubt again, where the story has it so.
DOUBTFUL_TWICE = _places(BEFORE_IT_WENT_OUT)


@dataclass(frozen=True, order=True)
class Death:
    """The process `name` (worker or web) dies when it is at `place` for the n-th time."""

    name: str
    place: str
    passage: int = 1

    def __str__(self) -> str:
        return f"{self.name} at {self.place}#{self.passage}"


@dataclass
class Played:
    """How it went. `findings` is empty where everything is as it should be; `passages`
    says how often each process got to each place, where nobody died."""

    findings: list[str] = field(default_factory=list)
    # False where the process did not come by the place this time.
    died: bool = True
    passages: Counter[tuple[str, str]] = field(default_factory=Counter)
    golden: Golden | None = None
    seconds: float = 0.0


Golden = list[tuple[str, str, dict[str, Any]]]


def play(
    stage: Stage, story: Story, *, death: Death | None = None, golden: Golden | None = None
) -> Played:
    """Play the story to its end; with `death` a process dies there, and another one takes
    its work up."""
    began = time.monotonic()
    cast = Cast(stage, story, death)
    try:
        _play(stage, story, cast)
        doubts = len(story.doubtful | cast.cut_short | _left_by(death, DOUBTFUL))
        doubts += len(story.doubtful & _left_by(death, DOUBTFUL_TWICE))
        findings = accounts.audit(stage, story, doubts=doubts, deaths=int(cast.died), golden=golden)
    except Stuck as stuck:
        findings = [str(stuck)]
    except Exception as error:  # of one play, which must not end the others
        findings = [f"{type(error).__name__}: {error}"]
    return Played(
        findings,
        death is None or cast.died,
        cast.passages(),
        accounts.contexts(stage) if death is None else None,
        time.monotonic() - began,
    )


def _left_by(death: Death | None, places: Mapping[str, str]) -> set[str]:
    """The vendor that a death there leaves a doubt about."""
    return {places[death.place]} if death is not None and death.place in places else set()


class Cast:
    """The story's processes. Whoever dies as was ordered is replaced, as a platform does."""

    def __init__(self, stage: Stage, story: Story, death: Death | None) -> None:
        self._stage = stage
        self._story = story
        self._death = death
        self._alive: dict[str, Child] = {}
        self.died = False
        # What the other threads of the worker that died were calling.
        self.cut_short: set[str] = set()

    def begin(self) -> None:
        for name in self._story.processes:
            traced = {"ENGINE_FAILPOINT_TRACE": str(self._trace(name))}
            if self._death is not None:
                victim = name == self._death.name
                target = f"{self._death.place}#{self._death.passage}"
                traced = {"ENGINE_FAILPOINT": target} if victim else {}
            self._start(name, **traced)

    def tend(self) -> None:
        for name, child in list(self._alive.items()):
            if not child.ended.is_set():
                continue
            killed = self._death is not None and self._death.name == name and not self.died
            if killed and child.code == KILLED:
                self.died = True
                self.cut_short = self._stage.cut_short() if name == "worker" else set()
            elif not (self._story.stops and child.code == 0):
                raise Stuck(f"{name} ended by itself with {child.code}; {self._stage.standing()}")
            self._start(name)

    def _start(self, name: str, **environment: str) -> None:
        begin = self._stage.worker if name == "worker" else self._stage.web
        self._alive[name] = begin(**self._story.environment, **environment)

    def _trace(self, name: str) -> Any:
        return self._stage.folder / f"trace-{name}"

    def passages(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for name in self._story.processes:
            if self._trace(name).exists():
                found.update((name, place) for place in self._trace(name).read_text().split())
        return found


def _play(stage: Stage, story: Story, cast: Cast) -> None:
    story.begin(stage)
    cast.begin()
    death = cast._death
    deadline = time.monotonic() + PATIENCE_SECONDS
    at_its_end = 0.0
    while time.monotonic() < deadline:
        cast.tend()
        done = story.meanwhile(stage)
        answer_all(stage, story)
        if done and stage.at_rest():
            at_its_end = at_its_end or time.monotonic()
            waited = time.monotonic() - at_its_end > LINGER_SECONDS
            if death is None or cast.died or waited:
                return
        time.sleep(BEAT_SECONDS)
    raise Stuck(f"no rest after {PATIENCE_SECONDS:g} s; {stage.standing()}")


def answer_all(stage: Stage, story: Story) -> None:
    """Press what is open and stands in Slack by now; rule on doubts by looking."""
    for row in stage.open_questions():
        question = row["question"]
        try:
            if question["resolves"] == "effect":
                stage.answer(question, stage.truth(question["effect_key"]))
            elif question["title"] in story.answers and row["ts"] is not None:
                stage.press(row, story.answers[question["title"]], times=story.clicks)
        except (AlreadyAnswered, NothingThere):
            continue  # pressed a moment ago; the click is on its way
