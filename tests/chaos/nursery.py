"""Engine processes that begin in a blink.

`bin/engine worker` takes three seconds of a processor before it works, most of it spent
on importing SDKs; the crash matrix begins hundreds. So one process imports everything,
opens nothing, and forks: each child runs the same command on its own environment, and is
killed and missed like any other process.

    {"name", "command", "environment", "log"} ->  {"name", "pid"}, later {"name", "code"}
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from engine.settings import PROJECT

# What is imported by a first call, a first job, a first page.
SOONER_OR_LATER = (
    "encodings.idna", "flask_login", "flask_wtf", "h11", "httpcore", "httpcore2", "httpx2",
    "imap_tools", "procrastinate.worker", "psycopg_pool", "pymap.backend.dict",
    "pymap.backend.maildir", "pymap.main", "slack_sdk.models.views", "sqlite3", "truststore",
    "werkzeug.middleware.proxy_fix",
)  # fmt: skip
BIRTH_SECONDS = 60.0


@dataclass
class Child:
    """A process of the engine. `code` is negative where a signal ended it."""

    name: str
    pid: int = 0
    code: int | None = None
    born: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def signal(self, number: int) -> None:
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and be sure of it."""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it still runs."""
        self.ended.wait(seconds)
        return self.code


class Nursery:
    """The process that forks, and all that it has forked. Leaving it kills them."""

    def __init__(self) -> None:
        self._names = count(1)
        self._children: dict[str, Child] = {}
        self._writing = threading.Lock()
        # What the children run is not what the coverage report is about, and costs half again.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=environment | {"PYTHONPATH": str(PROJECT)},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def worker(self, environment: Mapping[str, str], log: Path) -> Child:
        return self._begin("worker", environment, log)

    def web(self, environment: Mapping[str, str], log: Path) -> Child:
        """The web app on werkzeug's server: gunicorn would start the dead one anew itself."""
        return self._begin("web", environment, log)

    def mailbox(self, environment: Mapping[str, str], log: Path) -> Child:
        return self._begin("mailbox", environment, log)

    def _begin(self, command: str, environment: Mapping[str, str], log: Path) -> Child:
        name = f"{command}-{next(self._names)}"
        child = self._children[name] = Child(name)
        order = {"name": name, "command": command, "environment": dict(environment),
                 "log": str(log)}  # fmt: skip
        assert self._process.stdin is not None
        with self._writing:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        if not child.born.wait(BIRTH_SECONDS):
            raise AssertionError(f"{name} was not born; the nursery's exit: {self._process.poll()}")
        return child

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            child = self._children[told["name"]]
            if "pid" in told:
                child.pid = told["pid"]
                child.born.set()
            else:
                child.code = told["code"]
                child.ended.set()


# -- in the nursery's process -----------------------------------------------------------


def main() -> None:
    _warm_up()
    wakes, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    alive: dict[int, str] = {}
    orders = b""
    while True:
        ready, _, _ = select.select([0, wakes], [], [])
        if wakes in ready:
            os.read(wakes, 4096)
            _bury(alive)
        if 0 in ready:
            more = os.read(0, 1 << 20)
            if not more:
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            *lines, orders = (orders + more).split(b"\n")
            for line in lines:
                _fork(json.loads(line), alive, [wakes, woken])


def _warm_up() -> None:
    """Import what a worker or a web process imports sooner or later, and read once what each
    of them would read; open nothing."""
    import anthropic
    import boto3
    import httpx
    import slack_sdk

    import engine
    import jobs
    import web

    for package in (engine, jobs, web):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in SOONER_OR_LATER:
        importlib.import_module(name)
    # The stand-ins are asked without TLS, and yet each client reads all certificates.
    ssl.create_default_context = functools.cache(ssl.create_default_context)
    httpx.Client().close()
    slack_sdk.WebClient()
    anthropic.Anthropic(api_key="x").close()
    # The service's description.
    boto3.session.Session(region_name="us-east-1").client(
        "sesv2", aws_access_key_id="x", aws_secret_access_key="x"
    )
    # What is here by now is garbage in no child, and no child need look, for a look is a copy.
    gc.collect()
    gc.freeze()


def _bury(alive: dict[int, str]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(name=alive.pop(pid), code=os.waitstatus_to_exitcode(status))


def _fork(order: dict[str, Any], alive: dict[int, str], ours: Sequence[int]) -> None:
    pid = os.fork()
    if pid == 0:
        _live(order, ours)
    alive[pid] = order["name"]
    _tell(name=order["name"], pid=pid)


def _tell(**facts: object) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


def _live(order: dict[str, Any], ours: Sequence[int]) -> NoReturn:
    """Be the process that was ordered."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in ours:
            os.close(descriptor)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(Path(order["log"]).parent)
        code = _run(order["command"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _run(command: str) -> int:
    from engine import failpoints

    failpoints.arm(os.environ)
    if os.environ.get("SABOTAGE"):
        from tests.chaos import sabotage

        sabotage.commit(os.environ["SABOTAGE"])
    if command == "worker":
        from engine.cli import cli

        cli(["worker"])
    elif command == "mailbox":
        from web.local import imap

        imap.main(["--port", os.environ["IMAP_PORT"], "--maildir", "maildir"])
    else:
        _serve_web()
    return 0


def _serve_web() -> None:
    from jinja2 import FileSystemBytecodeCache
    from werkzeug.serving import make_server

    from engine import logs
    from engine.settings import read_settings
    from web.server import build

    settings = read_settings()
    logs.configure(settings, process="web")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    app = build(settings)
    # Next to the stages, for the next web process: half of its time would be this.
    pages = Path.cwd().parent / "pages"
    pages.mkdir(exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(pages))
    make_server("127.0.0.1", settings.web_port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
