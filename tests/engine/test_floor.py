"""How many of a worker's threads work at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.floor import Floor
from engine.steps import STEP_TYPES

PATIENCE_SECONDS = 10.0


def begin(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def occupy(floor: Floor, until: threading.Event) -> threading.Thread:
    """A thread that is on the floor by now."""
    there = threading.Event()

    def work() -> None:
        with floor.on():
            there.set()
            until.wait(PATIENCE_SECONDS)

    thread = begin(work)
    assert there.wait(PATIENCE_SECONDS)
    return thread


def come_in(floor: Floor) -> threading.Event:
    """Set once a thread that wants to has got in."""
    inside = threading.Event()

    def work() -> None:
        with floor.on():
            inside.set()

    begin(work)
    return inside


def test_no_more_than_its_size_work_at_once():
    floor, over = Floor(2), threading.Event()
    occupy(floor, over)
    occupy(floor, over)
    third = come_in(floor)
    assert not third.wait(0.2)
    over.set()
    assert third.wait(PATIENCE_SECONDS)


def test_who_waits_for_the_world_leaves_its_room_to_others():
    floor, called, answered = Floor(1), threading.Event(), threading.Event()
    back = threading.Event()

    def work() -> None:
        with floor.on():
            with floor.away():
                called.set()
                answered.wait(PATIENCE_SECONDS)
            back.set()

    begin(work)
    assert called.wait(PATIENCE_SECONDS)
    over = threading.Event()
    occupy(floor, over)
    answered.set()
    assert not back.wait(0.2)
    over.set()
    assert back.wait(PATIENCE_SECONDS)


def test_whoever_waits_longest_comes_first():
    floor, over, order = Floor(1), threading.Event(), list[int]()
    occupy(floor, over)

    def enter(number: int) -> Callable[[], None]:
        def work() -> None:
            with floor.on():
                order.append(number)

        return work

    threads = []
    for number in range(3):
        threads.append(begin(enter(number)))
        while len(floor._waiting) <= number:
            pass
    over.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert order == [0, 1, 2]


def test_a_thread_that_is_given_up_holds_no_room():
    floor, over = Floor(1), threading.Event()
    stuck = occupy(floor, over)
    assert stuck.ident is not None
    waiting = come_in(floor)
    floor.clear(stuck.ident)
    assert waiting.wait(PATIENCE_SECONDS)
    over.set()
    stuck.join(PATIENCE_SECONDS)
    # It has left long ago: nobody else's room goes with it.
    assert come_in(floor).wait(PATIENCE_SECONDS)


def test_only_steps_that_never_wait_for_a_vendor_keep_their_room():
    assert {name for name, module in STEP_TYPES.items() if hasattr(module, "calls_out")} == {
        "query",
        "wait",
        "for_each",
        "enqueue_next",
    }
    query = STEP_TYPES["query"]
    assert query.calls_out(query.Config(operation="get_customer", id="C-1"))
    assert not query.calls_out(query.Config(cases=[{"when": "size > 0", "goto": "complete"}]))
