"""`python -m web.local --port 8090 --file .data/local.sqlite --engine-url http://127.0.0.1:8080`

Secrets come from the environment, under the names that the engine reads them by, so that
both sides of a demo are given the same ones and none shows in a list of processes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from web.local import LocalSettings, create_local_app
from web.local.world import World


class QuietHandler(WSGIRequestHandler):
    """The page asks every second, and the request log is a page of its own."""

    def log(self, type: str, message: str, *args: object) -> None:
        if type == "error":
            super().log(type, message, *args)


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    app = create_local_app(World(given.file), _settings(given))
    server = make_server(given.host, given.port, app, threaded=True, request_handler=QuietHandler)
    signal.signal(signal.SIGTERM, _stop)
    print(f"stand-ins: http://{given.host}:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m web.local", description="The vendors' stand-ins.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0: any that is free")
    parser.add_argument("--file", required=True, help="SQLite file; it outlives every restart")
    parser.add_argument("--engine-url", required=True, help="where the engine's web process is")
    parser.add_argument("--maildir", default="", help="the IMAP stand-in's mailbox")
    parser.add_argument("--imap-host", default="127.0.0.1")
    parser.add_argument("--imap-port", type=int, default=0)
    parser.add_argument("--team-id", default="T0LOCAL")
    parser.add_argument("--worker-pid-file", default="", help="of the worker that may be killed")
    return parser


def _settings(given: argparse.Namespace) -> LocalSettings:
    secrets = {
        field: os.environ[name]
        for field, name in (
            ("slack_signing_secret", "SLACK_SIGNING_SECRET"),
            ("webhook_secret", "WEBHOOK_SECRET"),
            ("crm_api_key", "CRM_API_KEY"),
            ("imap_user", "IMAP_USER"),
            ("imap_password", "IMAP_PASSWORD"),
        )
        if os.environ.get(name)
    }
    return LocalSettings(
        engine_url=given.engine_url,
        slack_team_id=given.team_id,
        imap_host=given.imap_host,
        imap_port=given.imap_port,
        maildir=given.maildir,
        worker_pid_file=given.worker_pid_file,
        **secrets,
    )


def _stop(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
