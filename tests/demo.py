"""`bin/engine demo` as a process of its own, for tests that look at it from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.demo import reserve_port
from engine.settings import PROJECT
from tests.world import wait_until

PATIENCE_SECONDS = 120.0
# What the clock has a part in, as short as a loaded machine allows.
SHORT = {
    "UNDO_SECONDS": "1",
    "LEASE_SECONDS": "8",
    "LEASE_RENEWAL_SECONDS": "2",
    "MAIL_TIMEOUT_SECONDS": "5",
}


@dataclass
class Demo:
    process: subprocess.Popen[str]
    link: str
    web: str
    local: str

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of the caller's settings, and a data folder of the test's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ENGINE_", "DATABASE_"))}
    return kept | SHORT | {"PYTHONPATH": str(PROJECT), "ENGINE_DATA_DIR": str(folder)} | more


def engine(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "engine.cli", *arguments]


@contextmanager
def running(folder: Path) -> Iterator[Demo]:
    """The demo, up and with its addresses; killed at the end where it still runs."""
    said = (folder / "said").open("w+")
    process = subprocess.Popen(
        engine("demo", "--port", str(reserve_port())),
        env=environment(folder, PYTHONUNBUFFERED="1"),
        stdout=said, stderr=subprocess.STDOUT, text=True, cwd=folder,
    )  # fmt: skip

    def up() -> re.Match[str] | None:
        text = (folder / "said").read_text()
        assert process.poll() is None, text
        return re.search(
            r"works once\)\s+(\S+)\s+The engine\s+(\S+)\s+Slack's stand-in\s+(\S+)/slack/", text
        )

    try:
        yield Demo(process, *wait_until(up, seconds=PATIENCE_SECONDS).groups())
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
        said.close()


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {child: parent for child, parent, _ in _processes()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie does not."""
    return {pid for pid, _, state in _processes() if pid in pids and state != "Z"}


def _processes() -> Iterator[tuple[int, int, str]]:
    """All there are: id, parent's id, state. A bare Linux has no ps, and a Mac no /proc."""
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        yield from ((int(p), int(q), s[0]) for p, q, s in map(str.split, listed.splitlines()))
        return
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            yield int(stat.parent.name), int(parent), state


def gone(pids: set[int]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pids)
