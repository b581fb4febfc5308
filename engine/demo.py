"""The demo's world: a database, the vendors' stand-ins, a mailbox, a worker and the web.

Each is a real process that talks to the others as in production; only the addresses
differ. Everything stops with the demo, and its data stays.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engine import watchers
from engine.errors import EngineError
from engine.postgres import connect
from engine.settings import PROJECT, Settings

OWNER_SLACK_ID = "U0OWNER"
PARTNER_SLACK_ID = "U0PARTNER"
TEAM = "T0LOCAL"
TOPIC = "arn:aws:sns:us-east-1:000000000000:mail"
PATIENCE_SECONDS = 30.0
MAILBOX_WATCHER = "office mailbox"


class DemoFailed(EngineError):
    """The demo could not be started."""

    code = "demo_failed"


@dataclass(slots=True)
class Ports:
    web: int
    local: int
    imap: int


_kept: list[socket.socket] = []


def reserve_port(preferred: int = 0) -> int:
    """The preferred port, or any free one, kept for a server of ours until this process ends.

    A port that was merely free a moment ago may be the end of somebody's connection by the
    time our server starts, or starts again. A socket that is bound and does not listen
    keeps others away, and lets a server in that sets SO_REUSEADDR, as each of ours does.
    """
    for port in (preferred, 0):
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            keeper.bind(("127.0.0.1", port))
        except OSError:
            keeper.close()
            continue
        _kept.append(keeper)
        return int(keeper.getsockname()[1])
    raise DemoFailed("no free port on 127.0.0.1")


@dataclass(slots=True)
class World:
    """The demo's processes and where they listen."""

    settings: Settings
    dsn: str
    ports: Ports
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    mails_seen: int = 0
    # How each process that has ended did so, by its id; below 0 a signal's number.
    ended: dict[int, int] = field(default_factory=dict)
    # All that it calls stands on this machine, which a proxy for the outside knows nothing of.
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))
    # What this run sets differently.
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.web}"

    @property
    def local_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.local}"

    @property
    def maildir(self) -> Path:
        return self.folder / "maildir"

    @property
    def worker_pid_file(self) -> Path:
        """Where the stand-ins find which process "kill the worker now" is about."""
        return self.folder / "worker.pid"

    def environment(self) -> dict[str, str]:
        """The settings that point every vendor's real SDK to its stand-in."""
        local = self.local_url
        secret = self.settings.secret_key.get_secret_value()
        return {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            # A proxy for the outside must not be given what stays on this machine.
            "NO_PROXY": "127.0.0.1,localhost",
            "ENGINE_MODE": "demo",
            "ENGINE_DATA_DIR": str(self.settings.data_dir),
            "DATABASE_URL": self.dsn,
            "SECRET_KEY": secret,
            "PORT": str(self.ports.web),
            "WEB_BASE_URL": self.web_url,
            "WEBHOOK_SECRET": "local-webhook-secret",
            "ANTHROPIC_API_KEY": "local-claude-key",
            "ANTHROPIC_BASE_URL": f"{local}/claude",
            "SLACK_BOT_TOKEN": "xoxb-local",
            "SLACK_SIGNING_SECRET": "local-signing-secret",
            "SLACK_BASE_URL": f"{local}/slack/api/",
            "SLACK_TEAM_ID": TEAM,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "SES_ENDPOINT_URL": f"{local}/ses",
            "SES_SENDS_PER_SECOND": "10",
            "SES_CONFIGURATION_SET": "office",
            "SNS_TOPIC_ARN": TOPIC,
            "SNS_ENDPOINT_URL": f"{local}/ses",
            "CRM_BASE_URL": f"{local}/crm",
            "CRM_API_KEY": "local-crm-key",
            "CRM_CALLS_PER_SECOND": "50",
            "IMAP_HOST": "127.0.0.1",
            "IMAP_PORT": str(self.ports.imap),
            "IMAP_TLS": "false",
            "IMAP_USER": "office",
            "IMAP_PASSWORD": "office",
            **self.extra,
        }

    def start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", *command],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            # Ctrl-C reaches the whole group of a terminal; who stops first is for us to say.
            start_new_session=True,
        )
        log.close()

    def start_worker(self) -> None:
        self.start("worker", "engine.cli", "worker")
        self.worker_pid_file.write_text(str(self.processes["worker"].pid))

    def start_all(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start(
            "local", "web.local", "--port", str(self.ports.local),
            "--file", str(self.folder / "world.sqlite"), "--engine-url", self.web_url,
            "--imap-port", str(self.ports.imap), "--maildir", str(self.maildir),
            "--worker-pid-file", str(self.worker_pid_file),
        )  # fmt: skip
        self.start(
            "imap", "web.local.imap", "--port", str(self.ports.imap), "--maildir", str(self.maildir)
        )
        self.start("web", "engine.cli", "web")
        self.start_worker()
        self._await(self.local_url + "/", "local")
        self._await(self.web_url + "/healthz", "web")

    def _await(self, url: str, name: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self.processes[name].poll() is not None:
                break
            try:
                if self.http.get(url, timeout=2).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        log = self.folder / f"{name}.log"
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
        raise DemoFailed(f"{name} does not answer; see {log}: {' '.join(last)[:300]}")

    def tend(self) -> None:
        """Start again what has died, as a platform would; and have the mailbox looked at
        as soon as a mail lies in it, so that nobody waits for the five minutes."""
        worker = self.processes["worker"]
        code = worker.poll()
        if code is not None:
            self.ended[worker.pid] = code
            self.start_worker()
        mails = sum(1 for _ in self.maildir.rglob("new/*"))
        if mails > self.mails_seen:
            self.check_mailbox()
        self.mails_seen = mails

    def check_mailbox(self) -> None:
        with connect(self.dsn) as conn:
            watchers.check_now(conn, MAILBOX_WATCHER)

    def kill(self, name: str) -> None:
        """SIGKILL: what a power cut would do."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to whoever is still there."""
        for name in ("worker", "web", "imap", "local"):
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 25
        for process in self.processes.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def new_folder(settings: Settings, *, fresh: bool) -> Path:
    """Where the stand-ins keep their world; a walk has one of its own."""
    name = f"walk-{secrets.token_hex(4)}" if fresh else "demo"
    folder = settings.data_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
