"""Named places where a test may end the process: before and after every commit and call.

In ordinary work `reach` costs one comparison. With ENGINE_FAILPOINT=<name>[#n] the
process ends, as by SIGKILL, when it gets to that place for the n-th time. With
ENGINE_FAILPOINT_TRACE=<file> each place is written there when first reached, so that
the crash matrix can prove that it has missed none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

KILLED = 137

_guard = threading.Lock()
_armed = False
_target = _trace = ""
_left = 1


def arm(environment: Mapping[str, str]) -> None:
    """Read the settings; once more in a process that was forked and not started."""
    global _armed, _target, _trace, _left  # noqa: PLW0603 - one countdown for the process
    _target, _, count = environment.get("ENGINE_FAILPOINT", "").partition("#")
    _trace = environment.get("ENGINE_FAILPOINT_TRACE", "")
    _left = int(count or 1)
    _armed = bool(_target or _trace)


def reach(place: str) -> None:
    if _armed:
        _reach(place)


def _reach(place: str) -> None:
    global _left  # noqa: PLW0603
    with _guard:
        if _trace:
            with open(_trace, "a", encoding="utf-8") as file:
                file.write(place + "\n")
        if place == _target:
            _left -= 1
            if _left <= 0:
                os._exit(KILLED)


arm(os.environ)
