"""Everything that runs by the clock, on one page. Times are UTC; what must follow the
company's clock (the daily summary, quiet hours) is decided inside the tick."""

from __future__ import annotations

from engine import daily_summary, erasure, leftovers, outlooks, upkeep, watchers
from engine.queue import periodic
from engine.worker import Worker

# In this order, and whichever of them breaks.
TICK = {
    "watchers": watchers.check_due,
    "wake-ups": upkeep.sweep,
    "daily summary": daily_summary.tell_due,
    "outlook": outlooks.tell_due,
    "leftover calls": leftovers.settle_due,
    "erasure": erasure.erase_due,
}


@periodic("tick", "* * * * *")
def tick(worker: Worker) -> None:
    upkeep.each(worker.runtime, TICK)


@periodic("nightly", "17 8 * * *")
def nightly(worker: Worker) -> None:
    upkeep.prune(worker.runtime)
