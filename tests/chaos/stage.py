"""A small company under fire: its own database, the vendors' stand-ins, real workers that
may be killed, and a person who answers what is asked, truthfully.

The harness never works a task itself. It starts what the world would start, presses what
a thumb would press, kills, and looks at what arrived at the vendors.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, request

from engine import deliveries, demo, intake, questions, sop_files, sops, tasks, users
from engine.answers import Answer
from engine.demo import OWNER_SLACK_ID
from engine.errors import TaskClosed
from engine.mail.ses import EFFECT_TAG, tag_value
from engine.people import Person
from engine.postgres import Database
from engine.questions import Question
from engine.runtime import Runtime, build_runtime
from engine.seeding import seed
from engine.settings import PROJECT
from engine.slack.interactions import Click, read_interaction
from engine.tasks import Task
from tests.chaos.nursery import Child, Nursery
from tests.serving import serve
from tests.world import MAILS, settings_for
from web.local import LocalSettings, create_local_app
from web.local.crm_seeds import load_customers
from web.local.slack.interactions import EngineReply, Hand
from web.local.world import Fault, World

OWNER = Person("chris", "Chris", "web", may_act=True)
BEAT_SECONDS = 0.1
# Seconds, and short, so that a death is noticed soon; a loaded machine must still keep up.
SHORT = {
    "LEASE_SECONDS": "3",
    "LEASE_RENEWAL_SECONDS": "0.5",
    "UNDO_SECONDS": "1",
    "SLACK_TIMEOUT_SECONDS": "3",
    # Longer than a loaded machine may stand still: what gets no answer is a doubt.
    "MAIL_TIMEOUT_SECONDS": "10",
    "CRM_TIMEOUT_SECONDS": "3",
    "SES_SENDS_PER_SECOND": "0",
    # No report settles anything here: a mail in doubt is asked about at once.
    "SES_CONFIGURATION_SET": "",
    "CRM_CALLS_PER_SECOND": "0",
    "WORKER_CONCURRENCY": "3",
    "POOL_SIZE": "3",
    "LOG_FORMAT": "json",
    "HTTP_ALLOWED_HOSTS": "127.0.0.1",
    "IMAP_HOST": "",
}


class Stuck(AssertionError):
    """The engine does not come to rest."""


@dataclass
class Stage:
    """`answers` says for a question what the person presses; see `stories.py`."""

    runtime: Runtime
    local: World
    local_url: str
    folder: Path
    nursery: Nursery
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    # -- processes ------------------------------------------------------------------

    def worker(self, **environment: str) -> Child:
        return self._keep(
            self.nursery.worker(self.environment | environment, self.folder / "worker.log")
        )

    def web(self, **environment: str) -> Child:
        return self._keep(self.nursery.web(self.environment | environment, self.folder / "web.log"))

    def _keep(self, child: Child) -> Child:
        self.children.append(child)
        return child

    def mailbox(self, port: int) -> Child:
        """The office's mailbox, on the folder `maildir`."""
        environment = self.environment | {"IMAP_PORT": str(port)}
        return self._keep(self.nursery.mailbox(environment, self.folder / "imap.log"))

    def kill_all(self) -> None:
        for child in self.children:
            child.kill()

    # -- what comes in --------------------------------------------------------------

    def mail(self, name: str = "lead") -> Task:
        taken = intake.take_mail(self.runtime, (MAILS / f"{name}.eml").read_bytes(), source="test")
        return taken.tasks[0]

    def import_sop(self, text: str) -> None:
        with self.runtime.database.transaction("import") as conn:
            sop_files.save(conn, sop_files.parse(text, name="test"), origin="import", by="test")

    def run_sop(self, slug: str, **context: Any) -> Task:
        with self.runtime.database.transaction("start") as conn:
            task = tasks.start(conn, sops.active(conn, slug).id, context=context, actor="test")
        assert task is not None
        return task

    def order(self, vendor: str, kind: Any, **facts: Any) -> None:
        self.local.order(Fault(vendor, kind, **facts))

    def let_through(self, vendor: str) -> None:
        """What was ordered for this vendor is over."""
        while self.local.next_fault(vendor, "/interactions"):
            pass

    def change(self, statement: str, *given: object, **named: object) -> None:
        """Put the world in order for a story; never what the story then asserts."""
        with self.runtime.database.read() as conn:
            conn.execute(statement, named or given)  # type: ignore[call-overload]

    def strike(self, job: str) -> None:
        """The clock strikes for a periodic job, unless a job is waiting for that."""
        self.change(
            "select procrastinate_defer_jobs_v1(array[row('default', %(job)s, 0, null, null,"
            """ '{"timestamp": 0}'::jsonb, null)::procrastinate_job_to_defer_v1])"""
            " where not exists (select from procrastinate_jobs"
            "    where status = 'todo' and task_name = %(job)s)",
            job=job,
        )

    def pass_time(self, **span: float) -> None:
        """The clock on the wall moves on."""
        self.change("update clock set shift = shift + %s", timedelta(**span))

    # -- what people do -------------------------------------------------------------

    def press(self, card: Mapping[str, Any], label: str, *, times: int = 1) -> None:
        """Press a button in Slack, so often before anything comes of it; the clicks are stored
        as the web process stores them."""
        nobody = LocalSettings(engine_url="")
        hand = _StoringHand(self.local, nobody, self.local_url, OWNER_SLACK_ID, self.runtime, times)
        hand.press(card["posted_channel"], card["ts"], label=label)

    def answer(self, question: Question, choice: str, **fields: str) -> None:
        with self.runtime.database.transaction("answer") as conn:
            token = questions.token_of(question)
            questions.answer(conn, self.runtime.settings, token, Answer(choice, fields), OWNER)

    def cancel(self, task_id: Any) -> None:
        with self.runtime.database.transaction("cancel") as conn, suppress(TaskClosed):
            tasks.cancel(conn, task_id, by=str(OWNER))

    def truth(self, effect_key: str) -> str:
        """What somebody finds who looks where the call would have arrived."""
        arrived = any(mail["tags"].get(EFFECT_TAG) == tag_value(effect_key)
                      for mail in self.local.all("outbox"))  # fmt: skip
        arrived = arrived or any(call["key"] == effect_key for call in self.local.all("http_call"))
        arrived = arrived or any(
            (post.get("metadata") or {}).get("event_payload", {}).get("effect_key") == effect_key
            for post in self.local.all("slack_message")
        )
        return "sent" if arrived else "send"

    # -- what can be seen -----------------------------------------------------------

    def rows(self, query: str, *given: object) -> list[dict[str, Any]]:
        with self.runtime.database.read() as conn:
            return conn.execute(query, given).fetchall()  # type: ignore[call-overload]

    def value(self, query: str, *given: object) -> Any:
        return next(iter(self.rows(query, *given)[0].values()))

    def open_questions(self) -> list[dict[str, Any]]:
        """Tasks that ask, each with its card's place in Slack where it has one by now."""
        return self.rows(
            "select t.*, s.slug, c.posted_channel, c.ts from tasks t"
            " join sops s on s.id = t.sop_id"
            " join cards c on c.id = (t.question ->> 'id')::uuid"
            " where t.status in ('waiting_on_human', 'escalated') and t.wait_token is not null"
            " order by t.id"
        )

    def until(self, look: Callable[[], Any], *, seconds: float, what: str) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(BEAT_SECONDS)
        raise Stuck(f"{what} did not come within {seconds:g} s; {self.standing()}")

    def at_rest(self) -> bool:
        """Nothing is left to do before tomorrow: no task, no effect, no card, no delivery."""
        return self.value(
            "select not exists (select from tasks where finished_at is null and not"
            "     (status = 'waiting_on_timer' and wake_at > engine_now() + interval '1 h'))"
            " and not exists (select from effects e left join tasks t on t.id = e.task_id"
            "     where e.state in ('intended', 'in_doubt')"
            "       and t.status is distinct from 'cancelled')"
            " and not exists (select from cards where wanted > shown)"
            " and not exists (select from deliveries where done_at is null)"
        )

    def standing(self) -> str:
        """Where everything stands, for whoever must find out what is stuck."""
        found = {
            "tasks": self.rows(
                "select number, status, parked_for, error, wake_at, lease_until, now() as now"
                " from tasks where finished_at is null"
            ),
            "effects": self.rows("select key, state, code from effects where state <> 'done'"),
            "cards": self.rows(
                "select kind, cause, wanted, shown, tries, next_try_at from cards"
                " where wanted > shown"
            ),
            "deliveries": self.rows("select source from deliveries where done_at is null"),
        }
        logs = [self.folder / "worker.log", self.folder / "web.log"]
        last = [log.read_text(errors="replace")[-1500:] for log in logs if log.exists()]
        return "\n".join([json.dumps(found, default=str), *last])

    def cut_short(self) -> set[str]:
        """The vendors that cannot be asked, of calls that nobody makes any more."""
        rows = self.rows(
            "select distinct vendor from effects"
            " where state = 'intended' and vendor in ('mail', 'http')"
        )
        return {row["vendor"] for row in rows}


@dataclass(frozen=True, slots=True)
class _StoringHand(Hand):
    """A hand whose clicks go straight to where the web process puts what it has verified."""

    runtime: Runtime
    times: int

    def _post(
        self, where: str, body: bytes, content_type: str = "application/x-www-form-urlencoded"
    ) -> EngineReply:
        click = read_interaction(dict(parse_qsl(body.decode())))
        assert isinstance(click, Click)
        with self.runtime.database.transaction("accept") as conn:
            for n in range(self.times):
                key = f"{click.key}+{n}" if n else click.key
                deliveries.accept(conn, self.runtime.settings, source="slack", key=key, body=body)
        return EngineReply(200)


# Nobody listens there: what is pressed is stored by the harness, in the web's place.
NO_WEB = "http://127.0.0.1:9"


def furnish(database: Database) -> None:
    """The shipped procedures and the owner. No shipped schedule: what a story finds must not
    depend on the weekday."""
    with database.transaction("furnish") as conn:
        for _ in seed(conn, PROJECT / "seeds"):
            pass
        users.create(
            conn, email="owner@example.com", name="Chris", role="admin", password=None,
            slack_user_id=OWNER_SLACK_ID, by="test",
        )  # fmt: skip
        conn.execute("update watchers set status = 'paused' where check_type = 'schedule'")


# Werkzeug parses each route, and two threads that parse at once abort one another before
# Python 3.11.5: "AST constructor recursion depth mismatch".
ONE_APP_AT_A_TIME = threading.Lock()


@contextmanager
def stage(
    dsn: str, folder: Path, nursery: Nursery, *, engine_url: str = NO_WEB, **settings: str
) -> Iterator[Stage]:
    """A stage on `dsn`, a database with the shipped procedures in it. At `engine_url` the
    stand-ins find the web process, where the play has one."""
    folder.mkdir(parents=True, exist_ok=True)
    local = World(folder / "world.sqlite")
    load_customers(local, PROJECT / "seeds" / "local" / "customers.yaml")
    with serve(_vendors(local, engine_url)) as local_url:
        database = Database(dsn, size=2, application="harness")
        database.open()
        wanted = settings_for(dsn, local_url, folder, undo_seconds=1)
        here = None
        try:
            runtime = build_runtime(wanted, database)
            port = int(local_url.rpartition(":")[2])
            # Stories with a mailbox name its port; the setting must be a port all the same.
            ports = demo.Ports(web=demo.reserve_port(), local=port, imap=1)
            environment = demo.World(wanted, dsn, ports, folder).environment()
            here = Stage(runtime, local, local_url, folder, nursery, environment | SHORT | settings)
            yield here
        finally:
            if here is not None:
                here.kill_all()
            database.close()


def _vendors(local: World, engine_url: str) -> Flask:
    """The stand-ins, and a server of somebody's that takes what http steps call."""
    lock = threading.Lock()

    def take_call(name: str) -> Response:
        with lock:
            # What a story ordered for the first call of this name.
            fault = local.get("http_fault", name) or {}
            local.put("http_fault", name, {})
            if fault and not fault["carried_out"]:
                return Response(status=fault["status"], headers={"Retry-After": "1"})
            number = local.next_number("http_call")
            local.put("http_call", str(number), {
                "key": request.headers.get("Idempotency-Key", ""),
                "name": name,
                "body": request.get_json(silent=True),
            })  # fmt: skip
        return Response(status=fault.get("status", 204))

    with ONE_APP_AT_A_TIME:
        app = create_local_app(local, LocalSettings(engine_url=engine_url))
        app.add_url_rule("/http/<name>", view_func=take_call, methods=["POST"])
    return app
