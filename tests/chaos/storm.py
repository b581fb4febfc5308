"""A storm: a small company at work with its own database, web and workers, while they are
killed, frozen and cut off; and the books when it is over.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine import demo, users
from engine.demo import OWNER_SLACK_ID
from engine.postgres import DATABASE_DOWN, connect
from engine.postgres.embedded import EmbeddedPostgres
from engine.postgres.migrations import migrate
from engine.seeding import seed
from tests.chaos import storm_accounts, storm_occasions
from tests.chaos.nursery import Nursery
from tests.chaos.stage import BEAT_SECONDS, Stage, stage
from tests.chaos.stories import AFTERWARDS, EVERY_TYPE, ONE_ROOM
from tests.chaos.storm_accounts import Books
from tests.chaos.storm_person import Person
from tests.chaos.storm_plan import Plan
from tests.chaos.storm_source import Source
from tests.chaos.storm_watch import Watch
from tests.chaos.storm_weather import Weather
from web.local import imap

Say = Callable[[str], None]
# From the last stroke to the end of the last task; one lease and its calls, some times over.
REST_SECONDS = 150.0
STANDING_SECONDS = 15.0


@dataclass
class Storm:
    plan: Plan
    stage: Stage
    weather: Weather
    source: Source
    person: Person
    watch: Watch
    say: Say

    def run(self, workers: int) -> Books:
        self.weather.begin(workers)
        began = time.monotonic()
        over = threading.Event()
        crew = [
            threading.Thread(target=self._repeat, args=(look, over), daemon=True)
            for look in (
                lambda: self.source.look(time.monotonic() - began),
                self.person.look,
                self.watch.look,
            )
        ]
        for one in crew:
            one.start()
        self._blow(began)
        at_rest = self._rest(lambda: self.source.done and self.weather.over)
        books = Books(seed=self.plan.seed, kills=self.weather.kills)
        storm_accounts.count_resumes(self.watch, books)
        if at_rest:
            self._next_day()
            at_rest = self._rest(bool, tomorrow=True)
        over.set()
        for one in crew:
            one.join(10)
        if not at_rest:
            self.say(self.stage.standing())
        storm_accounts.close(self.stage, self.source, self.person, self.watch, books)
        books.seconds = round(time.monotonic() - began, 1)
        return books

    def _repeat(self, look: Callable[[], None], over: threading.Event) -> None:
        while not over.wait(BEAT_SECONDS):
            look()

    def _blow(self, began: float) -> None:
        told = began
        for stroke in self.plan.strokes:
            while (wait := began + stroke.at - time.monotonic()) > 0:
                self.weather.tend()
                told = self._tell(told)
                time.sleep(min(wait, BEAT_SECONDS))
            self.weather.strike(stroke)
            self.weather.tend()

    def _rest(self, offered: Callable[[], bool], *, tomorrow: bool = False) -> bool:
        """Wait until nothing is left to do; False where that does not come."""
        self.weather.calm()
        deadline = told = time.monotonic()
        deadline += REST_SECONDS
        while time.monotonic() < deadline:
            self.weather.tend()
            told = self._tell(told)
            if (tomorrow or offered()) and self._still(tomorrow):
                return True
            time.sleep(BEAT_SECONDS)
        return False

    def _still(self, tomorrow: bool) -> bool:
        mails = sum(one.kind == "mail" for one in self.source.offered)
        try:
            taken = self.stage.value("select count(*)::int from mails where task_id is not null")
            ended = not tomorrow or self.stage.value(
                "select not exists (select from tasks where finished_at is null)"
                " and not exists (select from effects where state in ('intended', 'in_doubt'))"
            )
            return taken >= mails and ended and self._settled()
        except DATABASE_DOWN:
            return False

    def _settled(self) -> bool:
        """As `Stage.at_rest`; what a cancelled task left open is settled by the next tick."""
        return self.stage.value(
            "select not exists (select from tasks where finished_at is null and not"
            "     (status = 'waiting_on_timer' and wake_at > engine_now() + interval '1 h'))"
            " and not exists (select from effects e left join tasks t on t.id = e.task_id"
            "     where e.state in ('intended', 'in_doubt')"
            "       and t.status is distinct from 'cancelled')"
            " and not exists (select from cards where wanted > shown)"
            " and not exists (select from deliveries where done_at is null)"
        )

    def _next_day(self) -> None:
        """The owners have sent their quotes, and the day after finds nothing to remind of."""
        now = self.stage.value("select engine_now()").isoformat()
        for customer in self.stage.local.all("crm_customer"):
            if customer["id"].startswith("L-"):
                quoted = customer | {"quoted_at": now}
                self.stage.local.put("crm_customer", customer["id"], quoted)
        self.stage.pass_time(days=5)
        self.say("five days pass")

    def _tell(self, told: float) -> float:
        if time.monotonic() - told < STANDING_SECONDS:
            return told
        try:
            counts = self.stage.rows(
                "select status, count(*)::int as n from tasks group by 1 order by 1"
            )
        except DATABASE_DOWN:
            return told
        self.say("-- " + ", ".join(f"{row['n']} {row['status']}" for row in counts))
        return time.monotonic()


def run(plan: Plan, folder: Path, *, workers: int, durable: bool, say: Say) -> Books:
    """Play a plan on a server of its own under `folder`, and close the books."""
    # That the server goes away is no news here.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    web, mailbox = demo.reserve_port(), demo.reserve_port()
    server = EmbeddedPostgres(folder / "postgres", durable=durable)
    dsn = server.start()
    try:
        with Nursery() as nursery, stage(
            dsn, folder / "stage", nursery, engine_url=f"http://127.0.0.1:{web}",
            **_settings(plan, web, mailbox),
        ) as here, _imap(folder / "maildir", mailbox):  # fmt: skip
            _prepare(here, dsn)
            url = f"http://127.0.0.1:{web}"
            watch = Watch(here, plan.lease)
            storm = Storm(
                plan,
                here,
                Weather(here, server, watch, say),
                Source(here, url, folder / "maildir", list(plan.occasions)),
                Person(here, url, plan.seed),
                watch,
                say,
            )
            return storm.run(workers)
    finally:
        server.stop()


def _settings(plan: Plan, web: int, mailbox: int) -> dict[str, str]:
    return {
        "PORT": str(web),
        "WEB_BASE_URL": f"http://127.0.0.1:{web}",
        "IMAP_HOST": "127.0.0.1",
        "IMAP_PORT": str(mailbox),
        "LEASE_SECONDS": str(plan.lease),
        "LEASE_RENEWAL_SECONDS": str(plan.lease / 3),
        # Long enough for a loaded machine: a call that is cut short shall be so by a blow.
        "MAIL_TIMEOUT_SECONDS": "10",
        "SLACK_TIMEOUT_SECONDS": "5",
        "CRM_TIMEOUT_SECONDS": "5",
        "LLM_TIMEOUT_SECONDS": "5",
        "WORKER_CONCURRENCY": "4",
    }


def _prepare(here: Stage, dsn: str) -> None:
    runtime = here.runtime
    with connect(dsn) as conn:
        migrate(conn)
    with runtime.database.transaction("seed") as conn:
        for _ in seed(conn, runtime.settings.seeds_dir):
            pass
        users.create(conn, email="owner@example.com", name="Chris", role="admin", password=None,
                     slack_user_id=OWNER_SLACK_ID, by="storm")  # fmt: skip
    # Counted, and never reached: a dead run keeps its place until its lease is over, and what
    # waits for a place waits for no recovery. That a limit holds shows test_fairness.py.
    here.change(
        "update agents set max_concurrent_tasks = 40, capabilities = jsonb_set(capabilities,"
        " '{services}', capabilities -> 'services' || '[\"http:call\"]')"
    )
    address = {"http": f"{here.local_url}/http"}
    for text in (ONE_ROOM, AFTERWARDS, EVERY_TYPE % address, storm_occasions.PATIENCE % address):
        # By several agents, for each channel takes a post a second.
        here.import_sop(text.replace("agent: lead_response", "agent: marketing"))


@contextmanager
def _imap(maildir: Path, port: int) -> Iterator[None]:
    """The office's mailbox: a process of its own, which nobody kills."""
    imap.prepare(maildir, "office", "office")
    command = ["-m", "web.local.imap", "--port", str(port), "--maildir", str(maildir)]
    with (maildir.parent / "imap.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
