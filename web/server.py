"""gunicorn around the app: threads, since every request is short and mostly waits for
the database; nothing ever holds one open, for pages ask again instead.

One process by default: with its eight threads and four connections it carries two
owners, the vendors' posts and more, and fits a dyno of 512 MB beside nothing else.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from engine.postgres import Database
from engine.runtime import build_runtime
from engine.settings import Settings
from web import create_app

# Slack, and whoever stands in front of us, give up before this.
REQUEST_SECONDS = 30
# A platform kills what is still there half a minute after it asked to stop.
GRACEFUL_SECONDS = 20


# Slack waits three seconds for its acknowledgement: better a 503 that it can show than
# an answer that comes too late.
PATIENCE_SECONDS = 2.0


class WebDatabase(Database):
    """The pool of the web process: it gives up waiting while somebody still waits for it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.database_url, size=settings.pool_size, application="web")
        self._pool.timeout = PATIENCE_SECONDS


def build(settings: Settings) -> Flask:
    """The app on a pool of its own: made in the process that serves it, never before a
    fork, for connections must not be shared."""
    database = WebDatabase(settings)
    database.open()
    return create_app(build_runtime(settings, database))


class Server(BaseApplication):
    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return build(self._settings)


def _close(_arbiter: Any, worker: Any) -> None:
    """A pool that is left to the interpreter's end waits five seconds for each of its threads,
    which by then run no more."""
    if worker.wsgi is not None:
        worker.wsgi.extensions["runtime"].database.close()


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until told to stop."""
    Server(
        settings,
        {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": settings.web_threads,
            "timeout": REQUEST_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "worker_exit": _close,
            # Longer than a page's polling, so that a poll needs no new connection.
            "keepalive": 15,
            "proc_name": "engine web",
            # Paths hold one-time tokens; what matters is logged by name.
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "control_socket_disable": True,
        },
    ).run()
