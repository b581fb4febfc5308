"""`bin/engine demo`: the whole world on one machine, to see and to touch."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from engine import users, watchers
from engine.cli import kill
from engine.cli.opening import prepare
from engine.demo import (
    OWNER_SLACK_ID,
    PARTNER_SLACK_ID,
    DemoFailed,
    Ports,
    World,
    new_folder,
    reserve_port,
)
from engine.errors import NotFound, SettingsInvalid
from engine.postgres import connect
from engine.postgres.embedded import EmbeddedPostgres
from engine.settings import Settings, read_settings

OWNERS = (
    ("owner@example.com", "Chris", OWNER_SLACK_ID),
    ("partner@example.com", "Sam", PARTNER_SLACK_ID),
)
LINK_MINUTES = 12 * 60
DEFAULT_PORT = 8080


@click.command()
@click.option(
    "--walk",
    is_flag=False,
    flag_value="lead",
    type=click.Choice(["lead", "campaign"]),
    help="Walk the main path by itself, print it, and exit; or a campaign of 25 customers.",
)
@click.option(
    "--mail",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --walk: this mail instead of the three samples.",
)
@click.option(
    "--kill",
    "killing",
    is_flag=True,
    help="With --walk: the worker is killed in the middle of sending the reply.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65533),
    help="Of the engine's pages, and the next two for the stand-ins; 8080, or free ones.",
)
def demo(walk: str | None, mail: Path | None, killing: bool, port: int | None) -> None:
    """See it work: nothing to install, no accounts, nothing leaves this machine.

    Starts a PostgreSQL, the vendors' stand-ins, a worker and the web, and prints where to
    look. A lead's mail arrives; approve the reply in the browser and see it sent. Ctrl-C
    stops everything; the data stays.

    \b
    Examples:
      bin/engine demo
      bin/engine demo --walk
      bin/engine demo --walk --mail letter.eml
      bin/engine demo --walk --kill
      bin/engine demo --walk campaign
    """  # fmt: skip
    settings = read_settings()
    if settings.mode != "demo":
        raise SettingsInvalid(f"ENGINE_MODE is {settings.mode}; the demo runs with stand-ins only")
    if mail is not None and walk != "lead":
        raise click.UsageError("--mail goes with --walk")
    if killing and walk != "lead":
        raise click.UsageError("--kill goes with --walk; without it, the demo's page has a button")
    if settings.database_url:
        click.echo("DATABASE_URL is set and not used: a demo has a database of its own", err=True)
    folder = new_folder(settings, fresh=bool(walk))
    with EmbeddedPostgres(settings.data_dir / "postgres") as server:
        # A walk has a database of its own beside the demo's, on the same server.
        name = folder.name.replace("-", "_") if walk else "engine"
        dsn = _database(server, name)
        prepare(dsn, settings)
        ports = _ports(bool(walk), port)
        # A walk takes the undo's way too, but nobody is there to use its half minute.
        extra = {"UNDO_SECONDS": "5", "BATCH_UNDO_SECONDS": "5"} if walk else {}
        world = World(settings, dsn, ports, folder, tell=_tell, extra=extra)
        _run(world, settings, server, walk=walk, mail=mail, killing=killing)
        if walk:
            # What went wrong stays, to be looked into.
            _drop(server, name)
            shutil.rmtree(folder, ignore_errors=True)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _ports(walk: bool, wanted: int | None) -> Ports:
    """A walk looks at nothing by its port; else the one that was asked for, or 8080 if free."""
    first = 0 if walk else wanted or DEFAULT_PORT
    ports = Ports(*(reserve_port(first and first + n) for n in range(3)))
    if wanted and ports.web != wanted:
        raise DemoFailed(f"port {wanted} is taken; give another one by --port")
    return ports


def _database(server: EmbeddedPostgres, name: str) -> str:
    if name != "engine":
        with connect(server.dsn()) as conn:
            conn.execute(f'create database "{name}"')  # type: ignore[arg-type] # our own name
    return server.dsn(name)


def _drop(server: EmbeddedPostgres, name: str) -> None:
    with connect(server.dsn()) as conn:
        conn.execute(f'drop database "{name}" with (force)')  # type: ignore[arg-type] # our own name


def _run(
    world: World,
    settings: Settings,
    server: EmbeddedPostgres,
    *,
    walk: str | None,
    mail: Path | None,
    killing: bool,
) -> None:
    from engine.cli.walk import walk_lead
    from engine.cli.walk_campaign import walk_campaign
    from web.local.crm_seeds import load_customers
    from web.local.world import World as LocalWorld

    local = LocalWorld(world.folder / "world.sqlite")
    if not local.count("crm_customer"):
        load_customers(local, settings.seeds_dir / "local" / "customers.yaml")
    link = _owners(world, settings)
    code = 0
    try:
        world.start_all()
        if walk == "campaign":
            code = walk_campaign(world, local)
        elif walk:
            code = walk_lead(world, local, mail, killing=killing)
        else:
            _welcome(world, link)
            if not local.count("outbox") and not any(world.maildir.rglob("new/*")):
                _first_lead(world, settings)
            _stay(world, local, server)
    finally:
        world.stop()
    if code:
        sys.exit(code)


def _owners(world: World, settings: Settings) -> str:
    """The two owners of the demo, and a link that signs the first one in, once."""
    with connect(world.dsn) as conn, conn.transaction():
        for email, name, slack_user_id in OWNERS:
            try:
                users.get_by_email(conn, email)
            except NotFound:
                users.create(conn, email=email, name=name, role="admin", password=None,
                             slack_user_id=slack_user_id, by="demo")  # fmt: skip
        watchers.rest_schedules(conn)
        owner = users.get_by_email(conn, OWNERS[0][0])
        here = settings.model_copy(update={"web_base_url": world.web_url})
        return users.make_sign_in_link(conn, here, owner.id, minutes=LINK_MINUTES)


def _first_lead(world: World, settings: Settings) -> None:
    from web.local.imap import drop

    drop(world.maildir, (settings.seeds_dir / "local" / "mails" / "lead.eml").read_bytes())


def _welcome(world: World, link: str) -> None:
    click.echo(
        f"""
The engine is running, with stand-ins for Slack, Claude, the mail provider and the CRM.

  Sign in (works once)   {link}
  The engine             {world.web_url}
  Slack's stand-in       {world.local_url}/slack/_view/
  All stand-ins          {world.local_url}/   (outbox, CRM, send a lead)
  Kill the worker        {world.local_url}/kill/   (while it sends; see what becomes of the mail)

A lead's mail is coming in. Approve the reply in the inbox or in Slack's stand-in, and
find it in the outbox half a minute later. Campaigns rest in a demo until you start one:
type `/sop run past_customer_reactivation` in Slack's stand-in. Ctrl-C stops everything; the
data stays.
"""
    )


def _stay(world: World, local: Any, server: EmbeddedPostgres) -> None:
    """Until Ctrl-C or SIGTERM."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, end)
    while not ended.wait(0.5):
        if server.revive():
            _tell("PostgreSQL had ended, and is started again")
        world.tend()
        kill.follow(world, local)
    click.echo("stopping …")


COMMANDS = [demo]
