"""A slot that was reserved is good for its moment: whoever comes long after it looks again
whether the mail may go, and does not come with all the others at once."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

from engine import families
from engine.tasks import Task
from tests.engine.hands import answer, begin, procedure, question, rows
from tests.engine.test_effects import MAIL
from tests.engine.test_holding import pause, resume
from tests.world import Company, company

APPROVED = """
- key: approve
  name: Approve
  type: slack_ask_human
  on_failure: fail
  config:
    title: Reply
    kind: approval
    mail: {to: anna@example.com, to_name: Anna, subject: Hello, body: Hi, commercial: true}
    choices:
      send: {label: Send as is, style: primary, undoable: true}
      refuse: {label: "Don't send", style: danger, form: reason, goto: complete}
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""
ONLY = "- {key: send, name: Send, type: api_call, config: {service: email, operation: send}}"
NEXT_FREE = """
insert into rate_limits values ('mail', '', now() + make_interval(secs => %s))
on conflict (vendor, key) do update set next_free = excluded.next_free
"""


def much_to_send(office: Company, seconds: float) -> None:
    """So long the company's other mails need."""
    with office.runtime.database.statement("fill") as conn:
        conn.execute(NEXT_FREE, [seconds])


def goes_by(office: Company, span: str) -> None:
    """Nobody works meanwhile."""
    with office.runtime.database.statement("pass_time") as conn:
        conn.execute("update clock set shift = shift + %s::interval", [span])


def parked(office: Company, task: Task) -> bool:
    return office.see(task).parked_for == "slot:mail:"


def replies(office: Company, task: Task) -> None:
    with office.runtime.database.transaction("reply") as conn:
        known = {"customer_replied": True}
        families.tell(conn, task.id, "customer_replied", known, actor="mail")


def test_a_reply_in_the_night_is_asked_about_though_the_mail_had_its_slot(
    database: str, tmp_path: Path
) -> None:
    """Approved in the evening, held by a pause until the morning."""
    with company(database, tmp_path, web=False, ses_sends_per_second=1) as office:
        task = begin(office, APPROVED)
        answer(office, task, "send", settle=False)
        goes_by(office, "1 min")
        much_to_send(office, 300)
        office.settle()
        assert parked(office, task)
        pause(office)
        goes_by(office, "10 hours")
        office.settle()
        replies(office, task)
        resume(office)
        office.settle()
        assert not office.outbox
        assert question(office, task)["title"] == "Send this all the same?"
        facts = dict(question(office, task)["facts"])
        assert facts["Look out"].startswith("The customer has replied")


def test_a_reply_while_it_waits_for_its_slot_is_asked_about(database: str, tmp_path: Path) -> None:
    """Five minutes of other mails lie before it, and it comes in time."""
    with company(database, tmp_path, web=False, ses_sends_per_second=1) as office:
        task = begin(office, APPROVED)
        answer(office, task, "send", settle=False)
        goes_by(office, "1 min")
        much_to_send(office, 300)
        office.settle()
        assert parked(office, task)
        replies(office, task)
        goes_by(office, "300.5 s")
        office.settle()
        assert not office.outbox
        assert question(office, task)["title"] == "Send this all the same?"


def after_a_gap(office: Company, count: int) -> list[Task]:
    """They have their slots, and no worker is there until all have passed."""
    office.import_sop(procedure(ONLY))
    mails: list[dict[str, Any]] = [
        {"draft_mail": MAIL["draft_mail"] | {"to": f"a{n}@example.com"}} for n in range(count)
    ]
    tasks = [office.run_sop("small", **mail) for mail in mails]
    much_to_send(office, 30)
    office.settle()
    assert all(parked(office, task) for task in tasks)
    much_to_send(office, -60)
    goes_by(office, "5 min")
    return tasks


def distances(office: Company) -> list[float]:
    times = sorted(one["at"] for one in office.requests("ses"))
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def test_mails_keep_their_distance_after_a_gap(database: str, tmp_path: Path) -> None:
    with company(database, tmp_path, web=False, ses_sends_per_second=4) as office:
        begin(office, ONLY, MAIL)  # the first one also pays for the SDK's start
        after_a_gap(office, 8)
        for _ in range(8):
            office.settle()
            goes_by(office, "10 s")
        assert len(office.outbox) == 9
        assert min(distances(office)[1:]) > 0.2


def test_several_workers_keep_the_distance_too(database: str, tmp_path: Path) -> None:
    """All that are due at once are taken up at once."""
    with company(database, tmp_path, web=False, ses_sends_per_second=2) as office:
        begin(office, ONLY, MAIL)
        tasks = after_a_gap(office, 5)
        with office.runtime.database.statement("wake") as conn:
            conn.execute("update tasks set status = 'pending' where parked_for = 'slot:mail:'")
        runs = [office.claim() for _ in tasks]
        threads = [threading.Thread(target=office.carry, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        for _ in range(8):
            goes_by(office, "10 s")
            office.settle()
        assert len(office.outbox) == 6
        assert min(distances(office)[1:]) > 0.4


def test_who_comes_late_when_all_are_late_goes_all_the_same(database: str, tmp_path: Path) -> None:
    """Much is to be done: each comes ten seconds after its slot, and more have theirs ahead."""
    with company(database, tmp_path, web=False, ses_sends_per_second=1) as office:
        begin(office, ONLY, MAIL)
        [first, *_] = after_a_gap(office, 1)
        much_to_send(office, 600)
        office.settle()
        assert office.see(first).status == "completed"
        assert rows(office, "select from tasks where status <> 'completed'") == []
