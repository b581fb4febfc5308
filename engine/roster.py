"""Which thread of a crew has which runs in hand, and which runs wait for a thread.

A crew has as many runs as it has threads, at most; so where one thread has several in hand,
others are idle, and a run that is passed on finds one. `crew.py` and `keeper.py` use it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.step_run import Run


@dataclass(slots=True, eq=False)
class Hand:
    """The runs that one thread carries by turns, and for how many it is claiming."""

    runs: list[Run] = field(default_factory=list)
    wanted: int = 0

    @property
    def current(self) -> Run | None:
        """The run whose step began last: it is performed now, or was before the hand was
        written down."""
        return max(self.runs, key=lambda run: run.step_began, default=None)


class Roster:
    """For at most `size` runs. Threads go by their ident."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._hands: dict[int, Hand] = {}
        self._waiting: deque[Run] = deque()
        self._closed = False
        self._turned_away = False

    def __len__(self) -> int:
        """How many runs there are, those counted that are being claimed."""
        with self._lock:
            return self._taken()

    def _taken(self) -> int:
        hands = self._hands.values()
        return len(self._waiting) + sum(max(hand.wanted, len(hand.runs)) for hand in hands)

    def room(self, ident: int, most: int) -> int:
        """Keep room for up to `most` runs that this thread is about to claim; how many."""
        with self._lock:
            room = min(most, self._size - self._taken())
            if room > 0:
                self._hands[ident] = Hand(wanted=room)
            else:
                self._turned_away = True
            return room

    def turned_away(self) -> bool:
        """Whether somebody has found no room since this was last asked. Where more was kept than
        was needed, they look again, for what they were roused for may have come after the look
        of those who kept it."""
        with self._lock:
            turned_away, self._turned_away = self._turned_away, False
            return turned_away

    def hold(self, ident: int, runs: Sequence[Run]) -> None:
        """This thread has these runs in hand, and no other one."""
        with self._lock:
            self._hands[ident] = Hand(list(runs))

    def holds(self, ident: int) -> bool:
        """Whether this thread has something in hand: whose hand was taken from it has not."""
        return ident in self._hands

    def drop(self, ident: int) -> None:
        """This thread has nothing in hand any more."""
        with self._lock:
            self._hands.pop(ident, None)

    def pass_on(self, ident: int, kept: Sequence[Run], away: Sequence[Run]) -> bool:
        """Of what this thread has in hand it keeps some, and the others wait for another thread.
        False where nobody is going to take one."""
        with self._lock:
            # At once, or somebody would claim others into the room of those that wait.
            self._hands[ident] = Hand(list(kept))
            if not self._closed:
                self._waiting.extend(away)
            return not self._closed

    def take(self, ident: int) -> Run | None:
        """The run that has waited longest is in this thread's hand now."""
        with self._lock:
            if not self._waiting:
                return None
            run = self._waiting.popleft()
            self._hands[ident] = Hand([run])
            return run

    def close(self) -> list[Run]:
        """Nobody takes what waits; what did."""
        with self._lock:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
            return left

    def hands(self) -> list[tuple[int, Hand]]:
        """Who has what in hand at this moment."""
        with self._lock:
            return list(self._hands.items())

    def runs(self) -> Iterator[Run]:
        """Every run of the crew."""
        with self._lock:
            runs = [run for hand in self._hands.values() for run in hand.runs]
            runs += self._waiting
        yield from runs
