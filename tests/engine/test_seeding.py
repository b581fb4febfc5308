"""Seeding from files of one's own, and what is said of a mistake in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine import seeding
from engine.errors import SopInvalid
from engine.postgres import Connection
from engine.settings import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The seeds that ship, to be spoiled."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    return tmp_path / "seeds"


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def said(conn: Connection, folder: Path) -> list[str]:
    with pytest.raises(SopInvalid) as refused:
        list(seeding.seed(conn, folder))
    return [line.removeprefix(f"{folder}/") for line in refused.value.detail.splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "  agent: billing\n",
            "  agent: biling\n",
            "watchers.yaml: watcher 'overdue invoices', field agent: there is no agent 'biling'"
            " (there are: ",
        ),
        (
            "  agent: billing\n",
            "",
            "watchers.yaml: watcher 'overdue invoices', field agent: is missing; add it",
        ),
        (
            "sop: invoice_follow_up",
            "sop: invoice_folow_up",
            "watchers.yaml: watcher 'overdue invoices', field sop: there is no procedure"
            " 'invoice_folow_up'; its file belongs into the folder sops beside this one",
        ),
        (
            'check_config: {cron: "15 9 * * 1-5"}',
            'check_confg: {cron: "15 9 * * 1-5"}',
            "watchers.yaml: watcher 'overdue invoices', field check_confg: is not known here;"
            " did you mean 'check_config'?",
        ),
        (
            "check_type: email_inbox",
            "check_type: emailinbox",
            "watchers.yaml: watcher 'office mailbox', field check_type: there is no 'emailinbox';"
            " did you mean 'email_inbox'?",
        ),
        (
            "interval_seconds: 300",
            "interval_seconds: 0",
            "watchers.yaml: watcher 'office mailbox', field interval_seconds: Input should be"
            " greater than or equal to 1",
        ),
    ],
)
def test_a_mistake_in_a_watcher_is_told_with_its_place(
    conn: Connection, folder: Path, old: str, new: str, line: str
) -> None:
    spoil(folder / "watchers.yaml", old, new)
    (told,) = said(conn, folder)
    assert told.startswith(line), told


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("  name: Billing\n", "", "agents.yaml: agent 'billing', field name: is missing; add it"),
        (
            'services: ["llm", "crm:read", "crm:write", "email:send", "slack:post"]\n',
            "services: llm\n",
            "agents.yaml: agent 'lead_response', field services: ",
        ),
        (
            "essential: true",
            "esential: true",
            "agents.yaml: agent 'lead_response', field esential: is not known here;"
            " did you mean 'essential'?",
        ),
        (
            "essential: true",
            "essential: true\n  essential: false",
            "agents.yaml, line 12: 'essential' stands twice; keep one",
        ),
    ],
)
def test_a_mistake_in_an_agent_is_told_with_its_place(
    conn: Connection, folder: Path, old: str, new: str, line: str
) -> None:
    spoil(folder / "agents.yaml", old, new)
    (told,) = said(conn, folder)
    assert told.startswith(line), told


def test_a_file_that_is_not_there_is_named(conn: Connection, folder: Path) -> None:
    (folder / "watchers.yaml").unlink()
    assert said(conn, folder) == ["watchers.yaml: No such file or directory"]
