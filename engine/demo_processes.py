"""The demo's processes: started, started again when one has died, as a platform would, and
stopped in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.settings import PROJECT

# In this order: who sends before who is sent to.
ORDER = ("worker", "web", "imap", "local")
STOP_SECONDS = 25.0
# Who dies sooner than this after a start is started ever more slowly.
SOON_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class _Life:
    command: tuple[str, ...]
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)
    pause: float = 0.0
    # When it was found dead; 0 while it lives.
    died: float = 0.0


@dataclass(slots=True)
class Processes:
    """`environment` is theirs, and `tell` is given a line for people when one has died."""

    folder: Path
    environment: Callable[[], Mapping[str, str]]
    tell: Callable[[str], None]
    # How each process that has ended did so, by its id; below 0 a signal's number.
    ended: dict[int, int] = field(default_factory=dict)
    _lives: dict[str, _Life] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        self._lives[name] = _Life(command, self._run(name, command))

    def _run(self, name: str, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with self.log_of(name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-m", *command],
                env=dict(self.environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=PROJECT,
                # Ctrl-C reaches the whole group of a terminal; who stops first is for us to say.
                start_new_session=True,
            )
        self.pid_file(name).write_text(str(process.pid))
        return process

    def log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def pid(self, name: str) -> int:
        return self._lives[name].process.pid

    def alive(self, name: str) -> bool:
        return self._lives[name].process.poll() is None

    def tend(self) -> None:
        """Start again whoever has died."""
        for name, life in self._lives.items():
            code = life.process.poll()
            if code is None:
                continue
            now = time.monotonic()
            if not life.died:
                self._note_death(name, life, code, now)
            if now - life.died >= life.pause:
                life.process = self._run(name, life.command)
                life.began, life.died = now, 0.0

    def _note_death(self, name: str, life: _Life, code: int, now: float) -> None:
        life.died = now
        self.ended[life.process.pid] = code
        if now - life.began >= SOON_SECONDS:
            life.pause = 0.0
            return
        life.pause = min(LONGEST_PAUSE_SECONDS, max(1.0, life.pause * 2))
        self.tell(
            f"{name} ended with {code} right after its start; again in {life.pause:.0f} s"
            f" (see {self.log_of(name)})"
        )

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to whoever is still there."""
        processes = [self._lives[name].process for name in ORDER if name in self._lives]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
