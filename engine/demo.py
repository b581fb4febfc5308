"""The demo's world: a database, the vendors' stand-ins, a mailbox, a worker and the web.

Each is a real process that talks to the others as in production; only the addresses
differ. Everything stops with the demo, and its data stays.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from engine import watchers
from engine.demo_processes import Processes
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


# Ports and folders that are ours until this process ends.
_kept: list[socket.socket | IO[str]] = []


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
    tell: Callable[[str], None] = print
    mails_seen: int = 0
    # All that it calls stands on this machine, which a proxy for the outside knows nothing of.
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))
    # What this run sets differently.
    extra: dict[str, str] = field(default_factory=dict)
    processes: Processes = field(init=False)

    def __post_init__(self) -> None:
        self.processes = Processes(self.folder, self.environment, self.tell)

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
        return self.processes.pid_file("worker")

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

    def start_all(self) -> None:
        start = self.processes.start
        start(
            "local", "web.local", "--port", str(self.ports.local),
            "--file", str(self.folder / "world.sqlite"), "--engine-url", self.web_url,
            "--imap-port", str(self.ports.imap), "--maildir", str(self.maildir),
            "--worker-pid-file", str(self.worker_pid_file),
        )  # fmt: skip
        start(
            "imap", "web.local.imap", "--port", str(self.ports.imap), "--maildir", str(self.maildir)
        )
        start("web", "engine.cli", "web")
        start("worker", "engine.cli", "worker")
        self._await(self.local_url + "/", "local")
        self._await(self.web_url + "/healthz", "web")

    def _await(self, url: str, name: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if not self.processes.alive(name):
                break
            try:
                if self.http.get(url, timeout=2).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        log = self.processes.log_of(name)
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
        raise DemoFailed(f"{name} does not answer; see {log}: {' '.join(last)[:300]}")

    def tend(self) -> None:
        """Start again what has died; and have the mailbox looked at as soon as a mail lies in
        it, so that nobody waits for the five minutes."""
        self.processes.tend()
        mails = sum(1 for _ in self.maildir.rglob("new/*"))
        if mails > self.mails_seen:
            self.check_mailbox()
        self.mails_seen = mails

    def check_mailbox(self) -> None:
        with connect(self.dsn) as conn:
            watchers.check_now(conn, MAILBOX_WATCHER)

    def stop(self) -> None:
        self.processes.stop()


def new_folder(settings: Settings, *, fresh: bool) -> Path:
    """Where the stand-ins keep their world; a walk has one of its own. Raises DemoFailed where
    another demo is at it."""
    name = f"walk-{secrets.token_hex(4)}" if fresh else "demo"
    folder = settings.data_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    turn = (folder / "turn").open("w")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        turn.close()
        raise DemoFailed(
            f"another one runs on {folder}; stop it, or set ENGINE_DATA_DIR to another folder"
        ) from None
    _kept.append(turn)
    return folder
