"""Several tasks that one thread carries side by side, of which one meets what nobody foresaw: it
ends or waits by itself, and the others lose nothing by it."""

from __future__ import annotations

from typing import Any

import pytest

from engine import failures
from engine.steps import STEP_TYPES
from engine.steps.contract import Done
from tests.engine.hands import summaries
from tests.engine.test_abreast import lap, several, together
from tests.world import Company


def nested(levels: int) -> Any:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def test_what_no_json_can_hold_fails_by_itself(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = several(office, 3)
    outputs = iter([{}, {"x": nested(100_000)}, {}])
    monkeypatch.setattr(STEP_TYPES["query"], "run", lambda *_: Done(next(outputs)))
    going = lap(office, together(office))
    assert [run.task.number for run in going] == [tasks[0].number, tasks[2].number]
    assert "crashed: RecursionError" in summaries(office, tasks[1], "step_retried")[0]


def test_whose_failure_cannot_be_written_either_keeps_nobody_back(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease runs out, as if its worker had died; those of the others do not."""
    tasks = several(office, 4)
    with office.runtime.database.statement("rule") as conn:
        conn.execute("alter table tasks add check (error not like 'crashed%')")
        conn.execute("alter table tasks add check (context ->> 'x' <> 'refused')")
    outcomes: list[Any] = [
        Done({"x": "a"}),
        failures.Broken("crashed: here"),
        Done({"x": "refused"}),
        Done({"x": "b"}),
    ]
    said = iter(outcomes)
    monkeypatch.setattr(STEP_TYPES["query"], "run", lambda *_: next(said))
    going = lap(office, together(office))
    assert [run.task.number for run in going] == [tasks[0].number, tasks[3].number]
    assert [len(office.events(task)) for task in tasks] == [2, 1, 1, 2]
