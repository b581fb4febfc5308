"""Threads of a crew that meet at a bad moment."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from engine.solitude import Solitude
from engine.steps import STEP_TYPES
from tests.engine.hands import procedure, rows
from tests.engine.test_abreast import CALLING, at_work
from tests.world import Company, wait_until

IN_PROGRESS = "select count(*)::int as n from tasks where status = 'in_progress'"


def test_nobody_takes_the_room_of_a_run_that_is_passed_on(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.import_sop(procedure(CALLING))
    for _ in range(12):
        office.run_sop("small")
    follow = Solitude.follow

    def slowly(self: Solitude, ident: int) -> None:
        time.sleep(0.1)
        follow(self, ident)

    monkeypatch.setattr(Solitude, "follow", slowly)
    query = STEP_TYPES["query"]
    once, release = query.run, threading.Event()

    def hang(config: Any, ctx: Any) -> Any:
        if config.operation == "get_customer":
            release.wait(20)
        return once(config, ctx)

    monkeypatch.setattr(query, "run", hang)
    crew = at_work(office, 4)
    try:
        wait_until(lambda: rows(office, IN_PROGRESS)[0]["n"] >= 4)
        time.sleep(1)
        assert rows(office, IN_PROGRESS) == [{"n": 4}]
    finally:
        release.set()
        assert crew.stop(seconds=20)
