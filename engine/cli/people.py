"""`bin/engine user`: who may sign in and answer. There is no self-registration."""

from __future__ import annotations

import click

from engine import users
from engine.cli.groups import Group
from engine.cli.opening import opened_database
from engine.people import shell

# A link lets in whoever holds it.
MOST_MINUTES = 7 * 24 * 60


@click.group("user", cls=Group)
def group() -> None:
    """People: add, list, sign-in links."""


@group.command()
@click.argument("email")
@click.option("--name", default="", help="How cards and pages name them.")
@click.option("--role", type=click.Choice(["admin", "viewer"]), default="admin", show_default=True)
@click.option(
    "--slack", "slack_user_id", help="Their Slack member id (U…): lets them answer there."
)
@click.option("--password", "ask", is_flag=True, help="Ask for one; without, they sign in by link.")
def add(email: str, name: str, role: str, slack_user_id: str | None, ask: bool) -> None:
    """Add a person. `bin/engine user link` lets them in for the first time.

    \b
    Example:
      bin/engine user add chris@example.com --name Chris --slack U012AB3CD
    """
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True) if ask else None
    with opened_database() as (_, database), database.transaction("user_add") as conn:
        users.create(
            conn, email=email, name=name, role=role, password=password,
            slack_user_id=slack_user_id, by=str(shell()),
        )  # fmt: skip
        click.echo(f"{email}: {role}")


@group.command("list")
def list_() -> None:
    """The people: address, role (or disabled), Slack member id, name."""
    with opened_database() as (_, database), database.read() as conn:
        for user in users.list_all(conn):
            state = "disabled" if user.disabled_at else user.role
            click.echo(f"{user.email:<32} {state:<9} {user.slack_user_id or '-':<12} {user.name}")


@group.command()
@click.argument("email")
@click.option("--minutes", type=click.IntRange(1, MOST_MINUTES), default=15, show_default=True)
def link(email: str, minutes: int) -> None:
    """A sign-in link that works once.

    \b
    Example:
      bin/engine user link chris@example.com --minutes 60
    """
    with opened_database() as (settings, database), database.transaction("sign_in_link") as conn:
        user = users.get_by_email(conn, email)
        click.echo(users.make_sign_in_link(conn, settings, user.id, minutes=minutes))


COMMANDS = [group]
