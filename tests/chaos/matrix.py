"""The crash matrix: every place at which a process can die, and a death at each of them.

Each story is played once undisturbed, and traced. Then, for every place of every process
that was seen, a story that comes by there is played anew, and the process dies there. A
story mostly waits (for a lease, for a vendor that may still be at it), so several are
played at once, each with a database and vendors of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.chaos import (
    stories,
    stories_of_cards,
    stories_of_trouble,
    stories_of_upkeep,
    stories_of_web,
)
from tests.chaos.nursery import Nursery
from tests.chaos.playing import Death, Played, play
from tests.chaos.stage import Stage, stage
from tests.chaos.stories import Story
from tests.databases import Databases

STORIES = (
    *stories.STORIES,
    *stories_of_cards.STORIES,
    *stories_of_trouble.STORIES,
    *stories_of_upkeep.STORIES,
    *stories_of_web.STORIES,
)
AT_ONCE = 12
# What a task passes several times, it also dies at the second time, in this story.
TWICE = ("commit:claim", "commit:record:in_progress", "commit:intend:crm",
         "commit:conclude:crm:done", "call:crm:log_interaction", "call:claude:reply",
         "commit:intend:slack", "commit:card_shown")  # fmt: skip
TWICE_IN = "every type"
# What is come by as time goes on: how often, no two plays agree on.
BY_THE_CLOCK = ("commit:renew",)


@dataclass
class Matrix:
    """What was played. `traced` by the story's name; `killed` by story and death."""

    traced: dict[str, Played] = field(default_factory=dict)
    killed: dict[tuple[str, Death], Played] = field(default_factory=dict)

    @property
    def places(self) -> set[str]:
        """Every place that any process came by."""
        return {place for played in self.traced.values() for _, place in played.passages}

    @property
    def died_at(self) -> set[str]:
        return {death.place for _, death in self.killed}

    def findings(self) -> list[str]:
        undisturbed = {(name, "undisturbed"): played for name, played in self.traced.items()}
        return [
            f"{story}, {what}: {finding}"
            for (story, what), played in {**undisturbed, **self.killed}.items()
            for finding in played.findings
        ]


def by_length(traced: dict[str, Played]) -> list[Story]:
    return sorted(STORIES, key=lambda story: traced[story.name].seconds)


def deaths(traced: dict[str, Played], *, whole: bool = False) -> list[tuple[Story, Death]]:
    """Each place once, in the shortest story that comes by, and some at the second passage;
    as a whole, each place of each story, up to the third passage."""
    found: list[tuple[Story, Death]] = []
    covered: set[tuple[str, str]] = set()
    for story in by_length(traced):
        for (process, place), passages in sorted(traced[story.name].passages.items()):
            again = story.name == TWICE_IN and place.startswith(TWICE)
            first = 2 if (process, place) in covered and not whole else 1
            most = 3 if whole and not place.startswith(BY_THE_CLOCK) else 2 if again else 1
            last = min(most, passages)
            covered.add((process, place))
            found += [(story, Death(process, place, n)) for n in range(first, last + 1)]
    return found


class Theatre:
    """Where stories are played: each on a copy of one database, under one nursery."""

    def __init__(self, databases: Databases, template: str, nursery: Nursery, folder: Path) -> None:
        self._databases = databases
        self._template = template
        self._nursery = nursery
        self._folder = folder
        self._numbers = count(1)
        self._copying = threading.Lock()

    def play_matrix(self, *, whole: bool = False) -> Matrix:
        matrix = Matrix()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for story, played in zip(STORIES, pool.map(self.play, STORIES), strict=True):
                matrix.traced[story.name] = played
            orders = deaths(matrix.traced, whole=whole)
            for story, death, played in pool.map(lambda o: self._die(matrix, *o), orders):
                matrix.killed[story.name, death] = played
        return matrix

    def _die(self, matrix: Matrix, story: Story, death: Death) -> tuple[Story, Death, Played]:
        """In this story, or where it does not come by the place this time (a lost race, a
        vendor that was slow once), in another one that did."""
        others = [
            other
            for other in by_length(matrix.traced)
            if other is not story
            and matrix.traced[other.name].passages[death.name, death.place] >= death.passage
        ]
        for chosen in (story, *others, story):
            played = self.play(chosen, death, matrix.traced[chosen.name].golden)
            if played.died or played.findings:
                return chosen, death, played
        played.findings.append("nobody came by there again")
        return story, death, played

    def play(self, story: Story, death: Death | None = None, golden: object = None) -> Played:
        with self.empty_stage() as here:
            return play(here, story, death=death, golden=golden)  # type: ignore[arg-type]

    @contextmanager
    def empty_stage(self) -> Iterator[Stage]:
        """A stage on which nothing is played yet."""
        folder = self._folder / str(next(self._numbers))
        with self._database() as dsn, stage(dsn, folder, self._nursery) as here:
            yield here

    @contextmanager
    def _database(self) -> Iterator[str]:
        fresh = self._databases.fresh(self._template)
        with self._copying:
            name = fresh.__enter__()
        try:
            yield self._databases.dsn(name)
        finally:
            fresh.__exit__(None, None, None)


def report(matrix: Matrix, names: Iterable[str]) -> str:
    """One line for the end of the test run."""
    slowest = max(played.seconds for played in matrix.killed.values())
    return (
        f"crash matrix: {len(matrix.died_at)} failpoints in {len(set(names))} named commits and"
        f" calls, {len(matrix.killed)} deaths in {len(matrix.traced)} stories,"
        f" {len(matrix.findings())} findings; the slowest took {slowest:.0f} s"
    )
