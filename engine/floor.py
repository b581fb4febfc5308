"""The floor: the few threads of a worker that work while the others wait for the world.

A crew has many threads because most of a task's time goes by at a vendor. What they do
between two calls is short and wants a processor, the interpreter's lock and one of the
few connections; where all of them do it at once, they mostly take these from each other.
So a thread works on the floor and leaves it for whatever calls out. Whoever waits the
longest is let in next. Used by `engine/crew.py`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Floor:
    """Room for `size` threads. A thread that is on it may not enter again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._here: set[int] = set()
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Within, this thread works; it waits for its turn first."""
        self._enter()
        try:
            yield
        finally:
            self.clear(threading.get_ident())

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within, this thread, which works, waits for the world and leaves its room to others."""
        if not self.clear(threading.get_ident()):
            yield
            return
        try:
            yield
        finally:
            self._enter()

    def clear(self, ident: int) -> bool:
        """This thread has left, or is given up; the next one comes in. False where it was not
        there."""
        with self._lock:
            if ident not in self._here:
                return False
            self._here.remove(ident)
            if self._waiting:
                following, turn = self._waiting.popleft()
                self._here.add(following)
                turn.release()
            return True

    def _enter(self) -> None:
        me = threading.get_ident()
        with self._lock:
            if len(self._here) < self._size:
                self._here.add(me)
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append((me, turn))
        turn.acquire()
