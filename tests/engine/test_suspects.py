"""A task whose worker has died twice in a row is run alone, whatever it waited for before; and
by that it forgets nothing."""

from __future__ import annotations

from engine import rescues
from engine.step_run import Run
from tests.engine.hands import begin
from tests.engine.test_branching import SAY, said
from tests.world import Company

WAIT = """
- key: wait
  name: Wait
  type: wait
  config: {for: 5d}
""" + SAY.format(key="waited", then="complete")


def claimed(office: Company) -> Run:
    run = office.claim()
    assert run is not None
    return run


def dies(office: Company) -> None:
    """The worker that has it dies, and nobody renews its lease."""
    with office.runtime.database.statement("expire") as conn:
        conn.execute(
            "update tasks set lease_until = now() - interval '1 s' where run_token is not null"
        )
    assert rescues.rescue(office.runtime) == 1


def test_a_wait_that_is_over_is_over_for_a_suspect_too(office: Company) -> None:
    task = begin(office, WAIT)
    with office.runtime.database.statement("five_days") as conn:
        conn.execute("update clock set shift = shift + interval '6 days'")
        conn.execute("update tasks set status = 'pending' where wake_at <= engine_now()")
    for _ in range(2):
        assert not rescues.is_suspect(claimed(office))
        dies(office)
    run = claimed(office)
    assert rescues.is_suspect(run), "it is run alone"
    rescues.give_back(office.runtime, run)
    run = claimed(office)
    assert rescues.is_suspect(run), "and stays a suspect where it was given back"
    office.carry(run)
    assert office.see(task).status == "completed", "it does not wait for five days more"
    assert said(office) == ["waited"]
