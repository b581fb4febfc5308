"""An opt-out is recognised under the key that hashed it, and nothing starts under another."""

from __future__ import annotations

import os
import subprocess

import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from engine.keyed_hash import contact_hash, signing_key
from engine.mail.unsubscribe import contact_of, unsubscribe_url
from engine.postgres import connect
from engine.settings import PROJECT, Settings

FORMER = "a-former-key-of-thirty-two-letters-or-more"
NEW = "a-new-key-that-is-also-as-long-as-it-must-be"


def engine(database: str, key: str, *command: str) -> tuple[int, str]:
    """A command as the owner runs it, in a rehearsal on this database."""
    environment = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "ENGINE_VENV")
    }
    done = subprocess.run(
        [PROJECT / "bin" / "engine", *command],
        env=environment | {
            "DATABASE_URL": database, "SECRET_KEY": key, "ENGINE_MODE": "rehearsal",
            "REHEARSAL_ADDRESS": "owner@example.com", "SLACK_BASE_URL": "http://127.0.0.1:9/slack/",
        },
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def dsn(database: str) -> str:
    return make_conninfo(database)


def test_nothing_starts_under_another_key(dsn: str) -> None:
    assert engine(dsn, FORMER, "sop", "list")[0] == 0
    for command in (["sop", "list"], ["worker"], ["web"], ["intake", "mail", "README.md"]):
        code, said = engine(dsn, NEW, *command)
        assert code == 1, command
        [line] = said.strip().splitlines()
        assert "SECRET_KEY=new,former" in line
        assert FORMER not in said
    code, said = engine(dsn, NEW, "check")
    assert code == 1
    assert "FAIL  SECRET_KEY" in said


def test_a_new_key_goes_in_front_of_the_former_one(dsn: str) -> None:
    assert engine(dsn, FORMER, "sop", "list")[0] == 0
    assert engine(dsn, f"{NEW},{FORMER}", "sop", "list")[0] == 0


def test_what_was_hashed_is_recognised_after_that_and_what_was_signed_is_not() -> None:
    former, both = (Settings(_env_file=None, secret_key=SecretStr(key))  # type: ignore[call-arg]
                    for key in (FORMER, f"{NEW}, {FORMER}"))  # fmt: skip
    assert contact_hash(both, "Anna@example.com") == contact_hash(former, "anna@example.com")
    token = unsubscribe_url(former, "anna@example.com").rpartition("/")[2]
    assert contact_of(both, token) == contact_hash(former, "anna@example.com")
    assert signing_key(both, "forms") != signing_key(former, "forms")


def test_a_comma_too_many_makes_no_key() -> None:
    once, twice = (Settings(_env_file=None, secret_key=SecretStr(key))  # type: ignore[call-arg]
                   for key in (FORMER, f"{FORMER},"))  # fmt: skip
    assert contact_hash(twice, "anna@example.com") == contact_hash(once, "anna@example.com")


def test_a_key_that_is_lost_is_given_up_on_purpose_and_that_is_on_record(dsn: str) -> None:
    assert engine(dsn, FORMER, "sop", "list")[0] == 0
    code, said = engine(dsn, NEW, "migrate", "--accept-secret-key")
    assert (code, "from now on under this SECRET_KEY" in said) == (0, True)
    assert engine(dsn, NEW, "sop", "list")[0] == 0
    with connect(dsn) as conn:
        [row] = conn.execute(
            "select actor from task_events where event_type = 'secret_key_accepted'"
        ).fetchall()
    assert row["actor"] == "cli:shell"
