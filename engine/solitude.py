"""Many runs at once in a worker, or a single one that may end it.

A task whose worker has died twice in a row may be what kills, or was only there both times.
So that the third death says which, its next run is the only one in its worker: whoever claims
it among others gives it back, nothing more is claimed until they have come to their end, and
one thread claims alone. What dies then is guilty; what was only there is done. `crew.py`
keeps to it.
"""

from __future__ import annotations

import threading

# What `parked_for` says of a task that one more death will end, and of one whose wait was over.
# What it said of a hold before stands behind it.
SUSPECT = "rescued"
WOKEN_SUSPECT = "rescued woken"


def beneath(parked_for: str | None) -> str | None:
    """What a task was parked for, whether or not it is a suspect since."""
    if parked_for is None or not parked_for.startswith(SUSPECT):
        return parked_for
    return parked_for.removeprefix(SUSPECT).strip() or None


class Solitude:
    """Threads by their ident. A thread that is inside may claim, and runs what it gets. A run that
    one passes on is inside by its own until another thread has taken it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: set[int] = set()
        self._alone: int | None = None
        self.wanted = False

    def enter(self, ident: int) -> bool:
        """Whether this thread may claim something now."""
        with self._lock:
            if self.wanted:
                if self._inside:
                    return False
                self._alone = ident
            self._inside.add(ident)
            return True

    def begin(self, ident: int) -> bool:
        """Whether this thread, which is inside, is alone there and will be until it leaves.
        Where it is not, somebody will be alone next."""
        with self._lock:
            self.wanted = True
            if self._inside == {ident}:
                self._alone = ident
            return self._alone == ident

    def follow(self, ident: int) -> None:
        """It comes in along with a thread that is inside, whoever wants to be alone next."""
        with self._lock:
            self._inside.add(ident)

    def leave(self, ident: int) -> None:
        """It has no run any more; said for a thread that is given up, too."""
        with self._lock:
            self._inside.discard(ident)
            if self._alone == ident:
                self._alone = None
                self.wanted = False
