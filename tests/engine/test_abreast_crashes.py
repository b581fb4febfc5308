"""Several tasks that one thread carries side by side, of which one meets what nobody foresaw: it
ends or waits by itself, and the others lose nothing by it."""

from __future__ import annotations

from typing import Any

import pytest

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
