"""Transactions that meet at one task wait for each other, and none of them is aborted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from engine import questions, task_events
from engine.answers import Answer
from engine.task_events import Event
from tests.engine.hands import OWNER, begin, token
from tests.world import Company, wait_until

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
BLOCKED = "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"


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
