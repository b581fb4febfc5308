"""Peers measured in the same run, on the same server, each in a throwaway environment.

Each peer is a script beside this file. It is run by the peer's own Python with
`KIND DSN COUNT CONCURRENCY URL` and prints one JSON object. What a peer cannot show,
because it cannot be had from PyPI or fails, its row says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import Watch
from tests.benchmarks.server import fresh_database

HERE = Path(__file__).parent
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    packages: tuple[str, ...]

    @property
    def script(self) -> Path:
        return HERE / f"on_{self.name}.py"


PEERS = (
    Peer("dbos", ("dbos", "httpx")),
    Peer("absurd", ("absurd-sdk", "absurdctl", "httpx")),
    Peer("pgqueuer", ("pgqueuer", "asyncpg", "aiohttp")),
)


def workflow(dsn: str, *, concurrency: int, count: int) -> list[dict[str, Any]]:
    """Five durable steps, as in our own scenario."""
    return [_measured(peer, dsn, "workflow", count, (concurrency,), "") for peer in PEERS]


def sleepers(
    dsn: str, *, count: int, url: str, concurrencies: tuple[int, ...]
) -> list[dict[str, Any]]:
    """One durable step that asks the slow vendor at `url`, by a client that suits it."""
    return [_measured(peer, dsn, "sleepers", count, concurrencies, url) for peer in PEERS]


def _measured(
    peer: Peer, dsn: str, kind: str, count: int, concurrencies: tuple[int, ...], url: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"peer": peer.name}
    with tempfile.TemporaryDirectory(prefix=f"peer-{peer.name}-") as folder:
        try:
            python = _environment(Path(folder), peer)
            for concurrency in concurrencies:
                found = _run(python, peer, dsn, kind, count, concurrency, url)
                many = len(concurrencies) > 1
                row |= {f"{k}_{concurrency}": v for k, v in found.items()} if many else found
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            row["error"] = said[-1][:200] if said else f"exit {error.returncode}"
        except subprocess.TimeoutExpired:
            row["error"] = f"not done after {PATIENCE_SECONDS:g} s"
    return row


def _environment(folder: Path, peer: Peer) -> Path:
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    _call(str(python), "-m", "pip", "install", "-q", *peer.packages)
    return python


def _run(
    python: Path, peer: Peer, dsn: str, kind: str, count: int, concurrency: int, url: str
) -> dict[str, Any]:
    name = f"bench_{peer.name}_{kind}_{concurrency}"
    with fresh_database(dsn, name) as theirs, Watch(theirs) as watch:
        said = _call(str(python), str(peer.script), kind, theirs, str(count), str(concurrency), url)
        found = json.loads(said.splitlines()[-1])
    return found | {"connections": watch.most}


def _call(*command: str) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL, env=_bare_environment(),
    ).stdout  # fmt: skip


def _bare_environment() -> dict[str, str]:
    """Without what makes Python find the engine's modules, and not those beside a script."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}


def main() -> None:
    """For looking at one peer by itself: PEER KIND DSN COUNT CONCURRENCY URL."""
    name, kind, dsn, count, concurrency, url = sys.argv[1:]
    peer = next(peer for peer in PEERS if peer.name == name)
    print(_measured(peer, dsn, kind, int(count), (int(concurrency),), url))


if __name__ == "__main__":
    main()
