"""`python -m tests.locked requirements-dev.txt`: whether the environment has what a lock names.

Tests that ran on other packages than the lock's say nothing about what is deployed. Needs
nothing but the standard library, for any package may be the one that lacks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)(?: *; *([^\\\n]+?))? *\\?$", re.MULTILINE)


def missing(lock: str) -> Iterator[str]:
    """What is not there, or not in the version that the lock names."""
    for name, wanted, marker in PIN.findall(lock):
        found = _installed(name)
        if found != wanted and (not marker or _applies(marker)):
            yield f"{name} {wanted} ({f'has {found}' if found else 'not installed'})"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _applies(marker: str) -> bool:
    try:
        from packaging.markers import Marker
    except ImportError:
        return False  # it is in the lock itself, without a marker, and so is told anyway
    return Marker(marker).evaluate()


def main(lock: str) -> int:
    lacking = list(missing(Path(lock).read_text()))
    if not lacking:
        return 0
    shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
    print(f"engine: the environment of {sys.executable} is not that of {lock}: {shown};", end=" ")
    print(f"{sys.executable} -m pip install --require-hashes -r {lock}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
