"""How many steps a run may take before others get their turn."""

from __future__ import annotations

import pytest

from tests.engine.hands import procedure, setting
from tests.engine.test_model_steps import CLASSIFY, TEXT, unsure
from tests.world import Company
from web.local.claude import script


@pytest.mark.parametrize("steps", [1, 2])
def test_asking_the_next_tier_is_no_step_of_the_turn(office: Company, steps: int) -> None:
    """The step is not left by it, and what was asked already is not thrown into the queue."""
    unsure(office, times=1)
    script(office.local, object={"category": "good", "confidence": 0.9}, model="sonnet")
    office.import_sop(procedure(CLASSIFY))
    task = office.run_sop("small", **TEXT)
    with setting(office, turn_steps=steps):
        run = office.claim()
        assert run is not None
        office.carry(run)
    assert office.events(task).count("step_completed") >= 1
