"""When workflows began and ended, for a peer's script. Imports nothing of ours: it runs in
the peer's environment, from its own folder."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What the command line asks for."""

    kind: str
    dsn: str
    count: int
    concurrency: int
    url: str


def order() -> Order:
    kind, dsn, count, concurrency, url = sys.argv[1:6]
    return Order(kind, dsn, int(count), int(concurrency), url)


@dataclass
class Clock:
    """Thread-safe; `on_last` is called when `count` workflows have ended."""

    count: int
    on_last: Callable[[], None]
    began: float = 0.0
    ends: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        with self._lock:
            self.began = self.began or time.monotonic()

    def end(self) -> None:
        with self._lock:
            self.ends.append(time.monotonic())
            last = len(self.ends) == self.count
        if last:
            self.on_last()

    def print(self, kind: str) -> None:
        """As we measure ourselves: a rate from the first end to the last, or the seconds
        from the first begin to the last end."""
        # Not getrusage: its peak outlives the exec, so it would be that of our own process.
        status = Path("/proc/self/status").read_text("ascii")
        rss = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        if kind == "workflow":
            rate = (self.count - 1) / (self.ends[-1] - self.ends[0])
            found = {"tasks_per_s": round(rate, 1)}
        else:
            found = {"drain_s": round(self.ends[-1] - self.began, 2)}
        print(json.dumps(found | {"rss_mib": round(rss, 1)}), flush=True)
        # Threads and pools of theirs must not keep the process.
        os._exit(0)
