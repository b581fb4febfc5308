"""A short storm, as `bin/chaos` makes them: nothing lost, nothing stuck, nothing twice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import storm, storm_plan
from tests.chaos.__main__ import table
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
