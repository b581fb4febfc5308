"""Many threads of a worker have runs at once, or a single one that may end it."""

from __future__ import annotations

from engine.solitude import Solitude


def test_many_claim_until_one_must_be_alone() -> None:
    here = Solitude()
    assert here.enter(1)
    assert here.enter(2)
    assert not here.begin(1), "the second one has a run"
    assert not here.enter(3), "and nobody claims any more"
    here.leave(1)
    assert not here.enter(1)
    here.leave(2)
    assert here.enter(3), "when all are done, one claims alone"
    assert here.begin(3)
    assert not here.enter(1)
    here.leave(3)
    assert here.enter(1)
    assert here.enter(2), "and then all do again"


def test_who_has_nobody_beside_is_alone_at_once() -> None:
    here = Solitude()
    assert here.enter(1)
    assert here.begin(1)
    assert here.wanted
    assert not here.enter(2)
    here.leave(1)
    assert not here.wanted


def test_who_finds_nothing_to_be_alone_with_gives_it_up() -> None:
    """Another worker has taken the suspect meanwhile."""
    here = Solitude()
    assert here.enter(1)
    assert here.enter(2)
    assert not here.begin(2)
    for ident in (1, 2):
        here.leave(ident)
    assert here.enter(1)
    here.leave(1)
    assert here.enter(1)
    assert here.enter(2)


def test_a_thread_that_is_given_up_keeps_nobody_out() -> None:
    here = Solitude()
    assert here.enter(1)
    assert here.begin(1)
    here.leave(1)
    assert here.enter(2)
    assert here.enter(3)
    # It comes back in the end, and changes nothing.
    here.leave(1)
    assert not here.begin(2)
