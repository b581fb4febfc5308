"""A small company for tests: the engine on a real database, the vendors' stand-ins on a
real port, and hands to act as the world would.

`settle` works everything there is to do in this thread, in order, so that a test reads as
a story: a mail comes, things settle, somebody presses a button, things settle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from flask import Flask

from engine import (
    batches,
    card_poster,
    claims,
    deadlines,
    deliveries,
    executor,
    intake,
    sop_files,
    tasks,
    users,
)
from engine.demo import OWNER_SLACK_ID, PARTNER_SLACK_ID, TEAM, TOPIC
from engine.intake import Taken
from engine.postgres import Database
from engine.runtime import Runtime, build_runtime
from engine.seeding import seed
from engine.settings import PROJECT, Settings
from engine.step_run import Run
from engine.tasks import Task
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.crm_seeds import load_customers
from web.local.hubspot import load_contacts
from web.local.world import Fault, World

MAILS = PROJECT / "seeds" / "local" / "mails"


@dataclass
class Company:
    runtime: Runtime
    local: World
    local_url: str
    web_url: str = ""

    # -- what comes in ------------------------------------------------------------

    def mail(self, name: str = "lead") -> Task:
        """One of the sample mails arrives; the task it started."""
        taken = self.raw_mail((MAILS / f"{name}.eml").read_bytes())
        assert taken.tasks, f"{name}.eml started no task: {taken.verdict}"
        return taken.tasks[0]

    def raw_mail(self, raw: bytes) -> Taken:
        return intake.take_mail(self.runtime, raw, source="test")

    def import_sop(self, text: str) -> None:
        with self.runtime.database.transaction("import") as conn:
            checked = sop_files.parse(text, name="test")
            sop_files.save(conn, checked, origin="import", by="test")

    def run_sop(self, slug: str, **context: Any) -> Task:
        from engine import sops

        with self.runtime.database.transaction("start") as conn:
            sop = sops.active(conn, slug)
            task = tasks.start(conn, sop.id, context=context, actor="test")
            assert task is not None
            return task

    def order(self, vendor: str, kind: Any, **facts: Any) -> None:
        """Order a fault at a vendor's stand-in."""
        self.local.order(Fault(vendor, kind, **facts))

    # -- what the engine does -----------------------------------------------------

    def settle(self, *, rounds: int = 400) -> None:
        """Work until nothing more can be done without a person or the clock."""
        for _ in range(rounds):
            with self.runtime.database.statement("wake_due") as conn:
                tasks.sql.wake_due(conn)
            deadlines.pass_deadlines(self.runtime)
            with self.runtime.database.transaction("post_batches") as conn:
                batches.post_ready(conn, self.runtime.settings)
            acted = deliveries.act(self.runtime)
            runs = claims.claim(self.runtime)
            if runs:
                while runs:
                    runs = executor.lap(self.runtime, runs, onwards=True)
                continue
            if not acted and not self._show_cards():
                return
        raise AssertionError("the engine does not come to rest")

    def claim(self) -> Run | None:
        """The run of the best runnable task."""
        runs = claims.claim(self.runtime)
        return runs[0] if runs else None

    def carry(
        self, run: Run, *, stopping: Callable[[], bool] = bool, onwards: bool = False
    ) -> Run | None:
        """Take it where it goes by itself; the run of what was claimed with its end."""
        going = [run]
        while going == [run]:
            going = executor.lap(self.runtime, going, stopping=stopping, onwards=onwards)
        return going[0] if going else None

    def _show_cards(self) -> bool:
        """Show every card, waiting out Slack's second between posts to a channel."""
        with self.runtime.database.statement("cards_due") as conn:
            conn.execute("update rate_limits set next_free = now() where vendor = 'slack'")
            conn.execute("update cards set next_try_at = now() where wanted > shown and tries < 2")
        return card_poster.show_due(self.runtime) > 0

    def pass_time(self, **span: float) -> None:
        """The clock on the wall moves on; then things settle."""
        with self.runtime.database.statement("pass_time") as conn:
            conn.execute("update clock set shift = shift + %s", [timedelta(**span)])
            conn.execute("update rate_limits set next_free = now()")
            conn.execute("update outages set retry_at = now()")
            conn.execute("update cards set next_try_at = now() where wanted > shown")
        self.settle()

    # -- what people do -----------------------------------------------------------

    def press(self, task: Task, label: str, *, user: str = OWNER_SLACK_ID) -> dict[str, Any]:
        """Press a button of the task's newest card in Slack."""
        card = self.card(task)
        reply = httpx.post(
            f"{self.local_url}/slack/_press",
            json={"channel": card["posted_channel"], "message_ts": card["ts"], "label": label,
                  "user": user},
            timeout=60,
        )  # fmt: skip
        return reply.json()

    def submit(self, view_id: str, *, user: str = OWNER_SLACK_ID, **values: str) -> dict[str, Any]:
        body = {"view_id": view_id, "values": values, "user": user}
        return httpx.post(f"{self.local_url}/slack/_submit", json=body, timeout=60).json()

    def card(self, task: Task) -> dict[str, Any]:
        with self.runtime.database.read() as conn:
            row = conn.execute(
                "select * from cards where task_id = %s and kind = 'question'"
                " order by created_at desc limit 1",
                [task.id],
            ).fetchone()
        assert row is not None, f"task {task.number} has no card"
        return row

    # -- what can be seen ---------------------------------------------------------

    def see(self, task: Task) -> Task:
        with self.runtime.database.read() as conn:
            return tasks.get(conn, task.id)

    def events(self, task: Task) -> list[str]:
        return [row["event_type"] for row in self.timeline(task)]

    def timeline(self, task: Task) -> list[dict[str, Any]]:
        from engine import task_events

        with self.runtime.database.read() as conn:
            return task_events.timeline(conn, task.id)

    def messages(self, channel: str) -> list[dict[str, Any]]:
        reply = httpx.get(
            f"{self.local_url}/slack/_messages", params={"channel": channel}, timeout=60
        )
        return reply.json()["messages"]

    @property
    def outbox(self) -> list[dict[str, Any]]:
        return self.local.all("outbox")

    def requests(self, vendor: str, path: str = "") -> list[dict[str, Any]]:
        return self.local.requests(vendor, path)


def _stand_in(settings: Mapping[str, Any]) -> str:
    """The CRM's stand-in by its prefix."""
    return "hubspot" if settings.get("crm_kind") == "hubspot" else "crm"


def settings_for(dsn: str, local_url: str, folder: Path, **more: Any) -> Settings:
    wanted = {
        "ENGINE_MODE": "demo",
        "ENGINE_DATA_DIR": folder,
        "database_url": dsn,
        "secret_key": "a-secret-for-tests-that-is-long-enough",
        "webhook_secret": "local-webhook-secret",
        "anthropic_api_key": "local-claude-key",
        "anthropic_base_url": f"{local_url}/claude",
        "slack_bot_token": "xoxb-local",
        "slack_signing_secret": "local-signing-secret",
        "slack_base_url": f"{local_url}/slack/api/",
        "slack_team_id": TEAM,
        "ses_endpoint_url": f"{local_url}/ses",
        "ses_sends_per_second": 0,
        "sns_topic_arn": TOPIC,
        "sns_endpoint_url": f"{local_url}/ses",
        "crm_base_url": f"{local_url}/{_stand_in(more)}",
        "crm_api_key": "local-crm-key",
        "crm_calls_per_second": 0,
        "undo_seconds": 30,
    }
    return Settings(_env_file=None, **{**wanted, **more})  # type: ignore[call-arg]


@contextmanager
def company(dsn: str, folder: Path, *, web: bool = True, **settings: Any) -> Iterator[Company]:
    """Everything that a main path needs, on this machine."""
    local = World(folder / "world.sqlite")
    load = load_contacts if _stand_in(settings) == "hubspot" else load_customers
    load(local, PROJECT / "seeds" / "local" / "customers.yaml")
    app = create_local_app(local, LocalSettings(engine_url="http://127.0.0.1:9"))
    with serve(app) as local_url:
        wanted = settings_for(dsn, local_url, folder, **settings)
        database = Database(dsn, size=4)
        database.open()
        runtime = build_runtime(wanted, database)
        try:
            _seed(runtime)
            here = Company(runtime, local, local_url)
            if web:
                with _web(runtime, app) as web_url:
                    here.web_url = web_url
                    yield here
            else:
                yield here
        finally:
            runtime.sent_folder.close()
            database.close()


@contextmanager
def _web(runtime: Runtime, local_app: Flask) -> Iterator[str]:
    from web import create_app

    with serve(create_app(runtime)) as web_url:
        before: LocalSettings = local_app.extensions["local_settings"]
        local_app.extensions["local_settings"] = replace(before, engine_url=web_url)
        yield web_url


def _seed(runtime: Runtime) -> None:
    with runtime.database.transaction("seed") as conn:
        for _ in seed(conn, runtime.settings.seeds_dir):
            pass
        for email, name, slack in (
            ("owner@example.com", "Chris", OWNER_SLACK_ID),
            ("partner@example.com", "Sam", PARTNER_SLACK_ID),
        ):
            users.create(conn, email=email, name=name, role="admin", password=None,
                         slack_user_id=slack, by="test")  # fmt: skip


def wait_until(look: Any, *, seconds: float = 60.0) -> Any:
    """For what happens in other threads and processes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing came within {seconds} s")


__all__ = ["Company", "company", "wait_until"]
