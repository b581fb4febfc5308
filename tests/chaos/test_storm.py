"""A short storm, as `bin/chaos` makes them: nothing lost, nothing stuck, nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos import storm, storm_plan, storm_weather
from tests.chaos.__main__ import table
from tests.chaos.nursery import Child
from tests.chaos.storm_weather import SETTLED_SECONDS, Weather
from tests.databases import fast_place

SEED, KILLS, TASKS, LEASE = 7, 6, 10, 4.0


@pytest.fixture
def place() -> Iterator[Path]:
    """Not pytest's own folder: as root, the server's account could not enter it."""
    folder = Path(tempfile.mkdtemp(prefix="engine-storm-", dir=fast_place()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_short_storm_leaves_the_books_in_order(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = storm_plan.draw(SEED, kills=KILLS, tasks=TASKS, lease=LEASE)
    said: list[str] = []
    books = storm.run(plan, place, workers=2, durable=False, say=said.append)
    assert books.well, "\n".join([table(books), *said])
    assert books.kills == KILLS
    assert books.completed + books.cancelled == books.tasks >= TASKS
    with capsys.disabled():
        print(f"\n{table(books)}")


def test_the_same_seed_draws_the_same_plan() -> None:
    first, again, other = (
        storm_plan.draw(seed, kills=100, tasks=100, lease=30).lines for seed in (7, 7, 8)
    )
    assert first == again != other


def test_a_plan_has_some_of_everything() -> None:
    plan = storm_plan.draw(7, kills=100, tasks=100, lease=30)
    assert plan.kills == 100
    assert {stroke.kind for stroke in plan.strokes} == {
        "kill_worker", "kill_web", "freeze", "crash_database", "cut_backends", "fault",
    }  # fmt: skip
    assert {one.kind for one in plan.occasions} == {"form", "mail", "everything", "patience"}
    assert any(one.cancelled_at for one in plan.occasions)
    assert all(stroke.seconds > plan.lease for stroke in plan.strokes if stroke.kind == "freeze")


@pytest.mark.parametrize("seed", range(12))
def test_one_worker_is_always_left_to_work(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = storm_plan.draw(seed, kills=100, tasks=10, lease=30)
    yard = Yard(tmp_path)
    monkeypatch.setattr(storm_weather, "time", SimpleNamespace(monotonic=lambda: yard.now))
    nothing: Any = SimpleNamespace(note=lambda **_: None, look=lambda: None, unsettling_faults=0,
                                   restart=lambda _: None)  # fmt: skip
    weather = Weather(yard, nothing, nothing, lambda _: None)  # type: ignore[arg-type]
    weather.begin(3)
    yard.pass_seconds(10, weather.tend)
    for stroke in plan.strokes:
        yard.pass_seconds(10 + stroke.at - yard.now, weather.tend)
        weather.strike(stroke)
        assert yard.at_work(), f"nobody is left after {stroke}"
    assert weather.kills == plan.kills
    assert len(yard.frozen) == sum(stroke.kind == "freeze" for stroke in plan.strokes)


BIRTH_SECONDS = 2.5


@dataclass
class Yard:
    """Workers on paper, by a clock of their own; each says so when it has started."""

    folder: Path
    now: float = 0.0
    local: Any = field(default_factory=lambda: SimpleNamespace(order=lambda _: None))
    workers: dict[int, Paper] = field(default_factory=dict)
    frozen: list[int] = field(default_factory=list)

    def worker(self) -> Child:
        pid = len(self.workers) + 1
        child = self.workers[pid] = Paper(f"worker-{pid}", pid, yard=self)
        return child

    def web(self) -> Child:
        return Paper("web", yard=self)

    def rows(self, *_: object) -> None:
        """Connections are cut; nobody here has any."""

    def until(self, look: Callable[[], Any], **_: object) -> None:
        self.pass_seconds(BIRTH_SECONDS + 1, bool)
        assert look()

    def pass_seconds(self, seconds: float, tend: Callable[[], object]) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.1
            for child in self.workers.values():
                child.say_started()
            tend()

    def at_work(self) -> list[Paper]:
        return [
            child
            for child in self.workers.values()
            if not child.ended.is_set()
            and not child.still
            and child.said_at is not None
            and self.now - child.said_at > SETTLED_SECONDS
        ]


@dataclass
class Paper(Child):
    yard: Yard = None  # type: ignore[assignment]
    began: float = 0.0
    said_at: float | None = None
    still: bool = False

    def __post_init__(self) -> None:
        self.began = self.yard.now

    def say_started(self) -> None:
        if self.said_at is None and self.yard.now - self.began >= BIRTH_SECONDS:
            self.said_at = self.yard.now
            with (self.yard.folder / "worker.log").open("a") as log:
                log.write(json.dumps({"pid": self.pid, "event": "worker_started"}) + "\n")

    def signal(self, number: int) -> None:
        self.still = number == signal.SIGSTOP
        if self.still:
            self.yard.frozen.append(self.pid)

    def kill(self) -> None:
        self.code = -signal.SIGKILL
        self.ended.set()
