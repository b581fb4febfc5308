"""While Slack is down or asks to wait, cards wait in order; then each comes once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from engine import card_poster
from engine.slack import posting
from engine.tasks import Task
from tests.engine.hands import answer, procedure, rows
from tests.world import Company, wait_until

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Question {{nr}}', choices: {ok: {label: OK}, no: {label: No}}}
"""
MANY = 8


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "CHANNEL_GAP_SECONDS", 0.05)


def ask(office: Company, count: int = MANY) -> list[Task]:
    office.import_sop(procedure(ASK))
    asked = [office.run_sop("small", nr=n) for n in range(count)]

    while run := office.claim():
        office.carry(run)
    return asked


def shown(office: Company) -> list[str]:
    found = [m for m in office.messages("#leads-incoming") if "Question" in m["text"]]
    return [m["text"].partition(" (")[0].rpartition(": ")[2] for m in found]


def work(office: Company, workers: int = 3) -> None:
    """So many workers show cards at the same time, until all are shown."""

    def show() -> None:
        deadline = time.monotonic() + 60
        while open_cards(office) and time.monotonic() < deadline:
            card_poster.show_due(office.runtime)
            with office.runtime.database.statement("soon") as conn:
                conn.execute("update outages set retry_at = now()")
                # Slack's pauses and ours, without the waiting.
                conn.execute("update rate_limits set next_free = now() where key like 'pause%%'")
                conn.execute(
                    "update cards set next_try_at = now()"
                    " where next_try_at < now() + interval '25 s' and tries > 0"
                )
            time.sleep(0.02)

    threads = [threading.Thread(target=show) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: not open_cards(office))


def open_cards(office: Company) -> list[dict[str, Any]]:
    return rows(office, "select id from cards where wanted > shown and kind = 'question'")


EXPECTED = [f"Question {n}" for n in range(MANY)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer", "status": 503, "times": 3},
        {"kind": "answer", "status": 429, "headers": {"Retry-After": "2"}, "times": 3},
        {"kind": "drop_before", "times": 3},
        {"kind": "drop_after", "times": 2},
    ],
    ids=["down", "429", "lost before", "lost after"],
)
def test_several_workers_post_in_order_and_none_twice(
    office: Company, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine import effects

    monkeypatch.setattr(effects, "SETTLE_MARGIN_SECONDS", -9.5)
    asked = ask(office)
    office.order("slack", path="chat.postMessage", **fault)
    work(office)
    assert shown(office) == EXPECTED
    assert {office.see(task).status for task in asked} == {"waiting_on_human"}


def test_the_web_answers_while_they_wait_and_the_card_then_says_so(office: Company) -> None:
    first, *_ = ask(office, 2)
    office.order("slack", "answer", status=503, times=1000)
    office.settle()
    assert answer(office, first, "ok").status == "completed"
    office.local.clear_faults()
    work(office)
    cards = [m for m in office.messages("#leads-incoming") if "Question" in m["text"]]
    assert ["actions" in str(card["blocks"]) for card in cards] == [False, True]


def test_a_card_that_slack_will_not_take_holds_no_other_one_back(office: Company) -> None:
    ask(office, 3)
    office.order("slack", "answer", path="chat.postMessage", status=200, times=1,
                 body='{"ok": false, "error": "invalid_blocks"}')  # fmt: skip
    card_poster.show_due(office.runtime)
    assert shown(office) == ["Question 1", "Question 2"]
    [row] = rows(office, "select error, set_aside from cards where ts is null")
    assert row == {"error": "invalid_blocks", "set_aside": True}
