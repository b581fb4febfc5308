"""Ack: Slack's clicks, really signed, posted to the real web process under gunicorn while a
worker carries as many tasks as it can. Afterwards each click that was acknowledged must
be found as an answer."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from engine import demo, questions, users
from engine.demo import OWNER_SLACK_ID, TEAM, World
from engine.errors import EngineError
from engine.postgres import Connection, connect
from engine.settings import Settings
from tests.benchmarks import processes
from tests.benchmarks.procedures import ASKING, FIVE_STEPS, FIVE_STEPS_CONTEXT, load, start

SIGNING_SECRET = "local-signing-secret"
CLICKS_PER_SECOND = 10


class AnswerLost(EngineError):
    """A click was acknowledged and no answer came of it."""

    code = "answer_lost"


def measure(dsn: str, *, clicks: int = 200, backlog: int = 15_000) -> dict[str, Any]:
    with connect(dsn) as conn, tempfile.TemporaryDirectory(prefix="bench-ack-") as folder:
        users.create(conn, email="owner@example.com", name="Chris", role="admin",
                     slack_user_id=OWNER_SLACK_ID, by="bench")  # fmt: skip
        asking, working = load(conn, ASKING), load(conn, FIVE_STEPS)
        start(conn, asking, clicks)
        with _company(dsn, Path(folder)) as world:
            processes.until(
                conn, "not exists (select from tasks where status <> 'waiting_on_human')"
            )
            tokens = _tokens(conn)
            start(conn, working, backlog, **FIVE_STEPS_CONTEXT)
            before = _done(conn)
            began = time.monotonic()
            waits, acknowledged = _click(world.web_url, tokens)
            load_per_s = (_done(conn) - before) / (time.monotonic() - began)
            connections = processes.connections(conn)
            processes.until(conn, "not exists (select from deliveries where done_at is null)")
    answered = _answered(dsn)
    if not acknowledged <= answered:
        raise AnswerLost(f"{len(acknowledged - answered)} of {len(acknowledged)}")
    return {
        "clicks": clicks,
        **{f"{name}_ms": value for name, value in processes.percentiles(waits).items()},
        "acknowledged": len(acknowledged),
        "found_as_answers": len(acknowledged & answered),
        "load_tasks_per_s": round(load_per_s, 1),
        "connections": connections,
    }


@contextmanager
def _company(dsn: str, folder: Path) -> Iterator[World]:
    """Slack's stand-in, the web and a worker, each a process."""
    settings = Settings(_env_file=None, database_url=dsn, ENGINE_DATA_DIR=folder,  # type: ignore[call-arg]
                        secret_key="for-the-benchmark-alone-0123456789")  # fmt: skip
    ports = demo.Ports(web=demo.reserve_port(), local=demo.reserve_port(), imap=demo.reserve_port())
    world = World(settings, dsn, ports, folder, extra={"IMAP_HOST": ""})
    try:
        world.start_all()
        yield world
    finally:
        world.stop()


def _tokens(conn: Connection) -> dict[str, str]:
    """What an answer must present, by task."""
    rows = conn.execute("select id, question from tasks where status = 'waiting_on_human'")
    return {str(row["id"]): questions.token_of(row["question"]) for row in rows.fetchall()}


def _click(web_url: str, tokens: dict[str, str]) -> tuple[list[float], set[str]]:
    """Press them one by one at an even pace: milliseconds until each was acknowledged."""
    waits, acknowledged = [], set()
    with httpx.Client(timeout=10) as client:
        for task_id, token in tokens.items():
            began = time.perf_counter()
            body = _body(token)
            reply = client.post(
                f"{web_url}/webhooks/slack/interactions", content=body, headers=_signed(body)
            )
            waits.append((time.perf_counter() - began) * 1000)
            if reply.status_code == 200:
                acknowledged.add(task_id)
            time.sleep(max(0.0, 1 / CLICKS_PER_SECOND - (time.perf_counter() - began)))
    return waits, acknowledged


def _body(token: str) -> bytes:
    payload = {
        "type": "block_actions",
        "trigger_id": uuid.uuid4().hex,
        "user": {"id": OWNER_SLACK_ID, "name": "chris", "team_id": TEAM},
        "team": {"id": TEAM},
        "channel": {"id": "C0BENCH"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0BENCH"},
        "actions": [{"type": "button", "action_id": "answer:yes", "value": token}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def _signed(body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=body)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature or "",
    }


def _done(conn: Connection) -> int:
    row = conn.execute("select count(*)::int as n from tasks where status = 'completed'").fetchone()
    assert row is not None
    return row["n"]


def _answered(dsn: str) -> set[str]:
    with connect(dsn) as conn:
        rows = conn.execute("select task_id from task_events where event_type = 'human_answered'")
        return {str(row["task_id"]) for row in rows.fetchall()}
