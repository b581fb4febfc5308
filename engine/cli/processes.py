"""The commands that set up and run the processes: migrate, seed, check, worker, web."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time

import click

from engine import books, checks, hash_keys, logs, unknown_names
from engine.cli.opening import opened_database, opened_settings, verify_database
from engine.errors import SettingsInvalid
from engine.people import shell
from engine.postgres import Database, connect, migrations
from engine.runtime import build_runtime
from engine.seeding import seed as seed_into

PORT_ATTEMPTS = 5


@click.command()
@click.option(
    "--accept-secret-key",
    is_flag=True,
    help="Go on under a SECRET_KEY that this database does not know: who opted out under the"
    " former one is not recognised any more.",
)
def migrate(accept_secret_key: bool) -> None:
    """Bring the database's schema up to date. Safe to run from several places at once.

    \b
    Example:
      bin/engine migrate
    """
    with opened_settings() as settings, connect(settings.database_url) as conn:
        applied = migrations.migrate(conn)
        if accept_secret_key and hash_keys.accept(conn, settings, shell()):
            click.echo("from now on under this SECRET_KEY")
        for name in applied:
            click.echo(name)
        click.echo(f"{len(applied)} migrations applied" if applied else "nothing to do")


@click.command()
def seed() -> None:
    """Put the shipped agents, watchers and procedures in place.

    Run again it follows the files, and leaves alone what you have edited since. What `sop
    validate` would warn of in the procedures in use is said too.

    \b
    Example:
      bin/engine seed
    """
    with opened_database() as (settings, database), database.transaction("seed") as conn:
        for line in seed_into(conn, settings.seeds_dir):
            click.echo(line)
        book = books.in_use(conn)
        for slug in book.plans:
            for said in unknown_names.warnings(book, slug):
                click.echo(f"sop {slug}: warning: {said}", err=True)


@click.command()
def check() -> None:
    """Say what is not configured yet, without starting anything. Exit 1 where work cannot begin.

    \b
    Example:
      bin/engine check
    """
    with opened_settings() as settings:
        found = list(checks.run(settings))
    for finding in found:
        click.echo(f"{finding.mark}  {finding.subject:<14} {finding.text}")
    sys.exit(1 if any(finding.blocking for finding in found) else 0)


@click.command()
@click.option("--concurrency", type=click.IntRange(1, 500), help="Tasks carried at once.")
def worker(concurrency: int | None) -> None:
    """Carry tasks. Start as many as you like; PostgreSQL shares the work out.

    \b
    Example:
      bin/engine worker --concurrency 20
    """
    import jobs  # noqa: F401 - importing it declares what a worker can do
    from engine.worker import run_worker

    with opened_settings() as settings:
        logs.configure(settings, process="worker")
        verify_database(settings)
        database = Database(settings.database_url, size=settings.pool_size, application="worker")
        database.open()
        code = run_worker(
            build_runtime(settings, database),
            concurrency=concurrency or settings.worker_concurrency,
        )
    sys.stderr.flush()
    os._exit(code)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="PORT by default, else 8080.")
@click.option("--host", help="127.0.0.1 in the demo, otherwise 0.0.0.0.")
def web(port: int | None, host: str | None) -> None:
    """Serve the admin, the inbox and the webhooks.

    \b
    Example:
      bin/engine web --port 8080
    """
    from web.server import serve

    with opened_settings() as settings:
        logs.configure(settings, process="web")
        verify_database(settings)
        here = host or ("127.0.0.1" if settings.mode == "demo" else "0.0.0.0")  # noqa: S104
        port = port or settings.web_port
        _wait_for_port(here, port)
        serve(settings, host=here, port=port)


def _wait_for_port(host: str, port: int) -> None:
    """Whoever had it before us may still be on the way out, after a restart."""
    refused = _refused(host, port)
    for _ in range(PORT_ATTEMPTS - 1):
        if refused is None:
            return
        time.sleep(1)
        refused = _refused(host, port)
    if refused is None:
        return
    if refused.errno == errno.EADDRINUSE:
        raise SettingsInvalid(f"port {port} of {host} is taken; give another one by --port or PORT")
    raise SettingsInvalid(f"port {port} of {host} cannot be listened on: {refused.strerror}")


def _refused(host: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return error
    return None


COMMANDS = [migrate, seed, check, worker, web]
