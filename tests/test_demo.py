"""`bin/engine demo` from outside: the walk, Ctrl-C, and what stays."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.postgres.embedded import EmbeddedPostgres
from tests import demo
from tests.world import wait_until

pytestmark = pytest.mark.slow


def walk(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        demo.engine("demo", "--walk", *arguments),
        env=demo.environment(folder, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def posts(local: str) -> list[Any]:
    asked = {"channel": "#leads-incoming"}
    reply = httpx.get(f"{local}/slack/_messages", params=asked, timeout=30, trust_env=False)
    return reply.json()["messages"]


def test_a_campaign_is_walked_and_all_accounts_agree(tmp_path: Path) -> None:
    done = walk(tmp_path, "campaign", DATABASE_URL="postgresql://127.0.0.1:9/elsewhere")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.startswith("DATABASE_URL is set and not used")
    assert not list(tmp_path.glob("walk-*")), "what a good walk has made is gone"
    for line in (
        "one card in #marketing for 25 drafts",
        "in the outbox: 23 mails",
        "25 total, 23 sent, 1 edited, 2 struck_out, 1 replied, 1 bounced, 1 opted_out",
        "the outbox, the CRM and the tally agree; no address got two mails",
    ):
        assert line in done.stdout


def test_a_walk_with_the_worker_killed_sends_one_mail(tmp_path: Path) -> None:
    done = walk(tmp_path, "--kill", HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    for line in (
        r"task 1: new_lead -> waiting_on_human",
        r"task 2: complaint -> waiting_on_human",
        r"task 3: spam -> completed",
        r"killed worker \d+ by SIGKILL in the middle of sending 'Your request",
        r"it ended with code -9; the demo started worker \d+",
        r"task 1 was taken over",
        r"in the outbox: to rachel\.sandberg@example\.com",
        r"in the CRM: Rachel Sandberg \(lead\)",
        r"Task 1  New lead response v1  completed",
        r"task_rescued +send",
        r"effect_settled +send",
        r"\d+ events, \$0\.00\d+",
    ):
        assert re.search(line, said), f"{line} not in:\n{said}"
    assert said.count("in the outbox: to ") == 1


def test_a_port_that_is_taken_is_one_line_with_the_cure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            demo.engine("demo", "--port", port), env=demo.environment(tmp_path), cwd=tmp_path,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"The demo could not be started: port {port} is taken; give another one by --port"
    ]


def test_a_second_demo_on_the_same_folder_is_refused_and_who_dies_is_started_again(
    tmp_path: Path,
) -> None:
    with demo.running(tmp_path) as first:
        second = subprocess.run(
            demo.engine("demo"), env=demo.environment(tmp_path), cwd=tmp_path,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert second.returncode == 1
        [line] = second.stderr.splitlines()
        assert "another one runs on" in line
        assert "ENGINE_DATA_DIR" in line
        pids = {name: tmp_path / "demo" / f"{name}.pid" for name in ("web", "imap", "local")}
        before = {name: int(file.read_text()) for name, file in pids.items()}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: all(int(file.read_text()) != before[name] for name, file in pids.items())
            and _answers(first.web + "/healthz") and _answers(first.local),
            seconds=demo.PATIENCE_SECONDS,
        )  # fmt: skip
        assert first.interrupt() == 0


def test_a_database_that_dies_is_started_again(tmp_path: Path) -> None:
    with demo.running(tmp_path) as here:
        file = EmbeddedPostgres(tmp_path / "postgres").folder / "postmaster.pid"
        before = file.read_text().split()[0]
        os.kill(int(before), signal.SIGKILL)
        wait_until(lambda: not _answers(here.web + "/healthz"), seconds=demo.PATIENCE_SECONDS)
        wait_until(
            lambda: _answers(here.web + "/healthz") and _answers(here.web + "/healthz/worker"),
            seconds=demo.PATIENCE_SECONDS / 2,
        )
        assert file.read_text().split()[0] != before
        assert here.interrupt() == 0
    assert "PostgreSQL had ended, and is started again" in (tmp_path / "said").read_text()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_ctrl_c_leaves_no_process_and_the_data_stay(tmp_path: Path) -> None:
    with demo.running(tmp_path) as first:
        wait_until(lambda: posts(first.local), seconds=demo.PATIENCE_SECONDS)
        family = demo.family(first.process.pid)
        assert len(family) > 4
        assert first.interrupt() == 0
        assert demo.gone(family)
    # What is not closed is waited for, five seconds each.
    assert "couldn't stop" not in (tmp_path / "demo" / "web.log").read_text()
    assert not EmbeddedPostgres(tmp_path / "postgres").running()
    tasks = subprocess.run(
        demo.engine("task", "list"), env=demo.environment(tmp_path), cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert tasks.returncode == 0, tasks.stderr
    assert "new_lead_response" in tasks.stdout
    none = subprocess.run(
        demo.engine("task", "list", "--status", "failed"), env=demo.environment(tmp_path),
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "no such task\n")
