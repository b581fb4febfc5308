"""Transactions that meet at one task wait for each other, and none of them is aborted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from engine import batch_answers, deliveries, questions, task_events
from engine.answers import Answer
from engine.errors import AlreadyAnswered, TaskClosed
from engine.postgres import connect
from engine.task_events import Event
from engine.tasks import Task
from tests.campaigns.test_batches import campaign
from tests.engine import test_settling as settling
from tests.engine.hands import OWNER, answer, begin, cancel, children, effects_of, rows, token
from tests.engine.test_children import parent
from tests.world import Company, wait_until

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
BLOCKED = """
select exists (select from pg_stat_activity
                where wait_event_type = 'Lock' and datname = current_database())
"""
WAITING = """
select count(*)::int as n from pg_stat_activity
 where wait_event_type = 'Lock' and datname = current_database()
"""


@contextmanager
def held(office: Company, task: Task) -> Iterator[None]:
    """Somebody has the task's row in hand, and whoever comes meanwhile stands in line."""
    with connect(office.runtime.database.dsn) as conn, conn.transaction():
        conn.execute("select from tasks where id = %s for update", [task.id])
        yield


def meet(
    office: Company, task: Task, first: Callable[[], object], second: Callable[[], object]
) -> None:
    """Both reach for the task at the same moment, the first one before the second."""
    with ThreadPoolExecutor(2) as pool:
        begun: list[Future[object]] = []
        with held(office, task):
            for act in (first, second):
                begun.append(pool.submit(act))
                wait_until(lambda: _in_line(office, begun))
        for one in begun:
            one.result()


def _in_line(office: Company, begun: list[Future[object]]) -> bool:
    [row] = rows(office, WAITING)
    return row["n"] + sum(one.done() for one in begun) >= len(begun)


def test_an_answer_and_the_intent_of_its_card_do_not_block_each_other(office: Company) -> None:
    """The card's poster has entered its effect, which refers to the task, and appends to the
    task next; somebody answers between the two."""
    task = begin(office, ASK)
    database = office.runtime.database

    def answer() -> None:
        with database.transaction("answer") as conn:
            questions.answer(
                conn, office.runtime.settings, token(office, task), Answer("ok", {}), OWNER
            )

    def waits_or_is_done() -> bool:
        with database.read() as conn:
            [row] = conn.execute(BLOCKED).fetchall()
        return row["exists"] or answering.done()

    with ThreadPoolExecutor(1) as pool:
        with database.transaction("intend:slack") as conn:
            conn.execute(
                "insert into effects (key, task_id, vendor, settle_after)"
                " values ('card-x.post', %s, 'slack', now())",
                [task.id],
            )
            answering = pool.submit(answer)
            wait_until(waits_or_is_done)
            task_events.append(conn, task.id, Event("effect_intended"))
        answering.result()
    assert office.see(task).question["state"] in ("undo", "answered")  # type: ignore[index]


def test_a_childs_end_and_its_parents_cancellation_wait_for_each_other(office: Company) -> None:
    task = parent(office, "ask", "ask")
    child, other = children(office, task)
    answer(office, child, "good", settle=False)
    run = office.claim()
    assert run is not None
    meet(
        office,
        task,
        lambda: cancel(office, task),
        lambda: office.carry(run),
    )
    office.settle()
    assert [office.see(one).status for one in (task, other)] == ["cancelled", "cancelled"]
    assert office.see(child).finished_at


def test_a_child_and_its_parent_may_be_cancelled_at_once(office: Company) -> None:
    task = parent(office, "ask", "ask")
    child, other = children(office, task)
    meet(office, task, lambda: cancel(office, task), lambda: cancel_too(office, child))
    assert {office.see(one).status for one in (task, child, other)} == {"cancelled"}


def cancel_too(office: Company, task: Task) -> None:
    with suppress(TaskClosed):
        cancel(office, task)


def test_a_batch_and_its_campaigns_cancellation_wait_for_each_other(office: Company) -> None:
    task = campaign(office)
    [batch] = rows(office, "select id from batches")
    runtime = office.runtime

    def approve() -> None:
        with runtime.database.transaction("answer_batch") as conn, suppress(AlreadyAnswered):
            batch_answers.approve_all(conn, runtime.settings, batch["id"], OWNER)

    meet(office, task, lambda: cancel(office, task), approve)
    office.settle()
    assert office.see(task).status == "cancelled"
    assert not office.outbox


def test_a_ruling_and_the_report_that_settles_it_wait_for_each_other(office: Company) -> None:
    task = settling.asked(office)
    settling.report(office, settle=False)
    meet(
        office,
        task,
        lambda: answer(office, task, "sent", settle=False),
        lambda: deliveries.act(office.runtime),
    )
    office.settle()
    assert effects_of(office, task)[0] == ("send", "done", 1)
    assert len(office.outbox) == 1
