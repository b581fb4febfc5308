"""Everything that runs by the clock, on one page. Times are UTC; what must follow the
company's clock (the daily summary, quiet hours) is decided inside the tick."""

from __future__ import annotations

from engine import daily_summary, erasure, leftovers, outlooks, upkeep, watchers
from engine.queue import periodic
from engine.worker import Worker


@periodic("tick", "* * * * *")
def tick(worker: Worker) -> None:
    watchers.check_due(worker.runtime)
    upkeep.sweep(worker.runtime)
    daily_summary.tell_due(worker.runtime)
    outlooks.tell_due(worker.runtime)
    leftovers.settle_due(worker.runtime)
    erasure.erase_due(worker.runtime)


@periodic("nightly", "17 8 * * *")
def nightly(worker: Worker) -> None:
    upkeep.prune(worker.runtime)
