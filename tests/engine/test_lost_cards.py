"""A card that was lost in Slack is posted again, and no two cards ask the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import lost_cards
from engine.errors import NotAllowed, TaskClosed
from engine.tasks import Task
from tests.engine.hands import OWNER, VIEWER, begin, question, rows
from tests.engine.test_questions import command
from tests.web.browsing import Browser
from tests.world import Company, company
from web import create_app

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Mow tomorrow?', choices: {mow: {label: Mow}, wait: {label: Wait}}}
- key: say
  name: Say
  type: slack_notify
  config: {text: 'It is mown'}
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path) as here:
        yield here


def cards_in(office: Company, channel: str = "#leads-incoming") -> list[dict[str, Any]]:
    return [m for m in office.messages(channel) if "Mow tomorrow?" in m["text"]]


def delete(office: Company, message: dict[str, Any], channel: str = "C0LEADS") -> None:
    """Somebody with the rights to it deletes the message in Slack."""
    httpx.post(
        f"{office.local_url}/slack/_delete",
        json={"channel": channel, "message_ts": message["ts"]},
        timeout=10,
    ).raise_for_status()


def post_again(office: Company, task: Task) -> None:
    with office.runtime.database.transaction("again") as conn:
        lost_cards.post_again(conn, office.runtime.settings, task.number, OWNER)
    office.settle()


def test_a_deleted_card_is_posted_again_and_answers(office: Company) -> None:
    task = begin(office, ASK)
    delete(office, cards_in(office)[0])
    assert cards_in(office) == []
    run = command(office, "task", "card", str(task.number))
    assert run.output == f"task {task.number}: its card is posted again in #leads-incoming\n"
    office.settle()
    assert len(cards_in(office)) == 1
    assert office.press(task, "Mow")["ok"]
    office.settle()
    assert office.see(task).status == "completed"
    [card] = cards_in(office)
    assert "actions" not in [block["type"] for block in card["blocks"]]
    said = [m for m in office.messages("#leads-incoming") if "It is mown" in m["text"]]
    assert [m["thread_ts"] for m in said] == [card["ts"]], "the thread goes on under the new one"
    assert "card_posted" in office.events(task)


def test_one_that_was_there_after_all_is_taken_away(office: Company) -> None:
    task = begin(office, ASK)
    [before] = cards_in(office)
    post_again(office, task)
    post_again(office, task)
    [after] = cards_in(office)
    assert after["ts"] != before["ts"]
    assert len(office.requests("slack", "chat.postMessage")) == 3


def test_a_change_of_a_card_that_is_gone_is_given_up(office: Company) -> None:
    task = begin(office, ASK)
    delete(office, cards_in(office)[0])
    from tests.engine.hands import answer

    assert answer(office, task, "mow").status == "completed"
    before = len(office.requests("slack", "chat.update"))
    office.pass_time(hours=2)
    assert len(office.requests("slack", "chat.update")) == before == 1
    assert office.card(task)["error"] == "message_not_found"


def test_where_the_thread_is_gone_the_task_goes_on_beside_it(office: Company) -> None:
    from tests.engine.hands import answer

    task = begin(office, ASK)
    delete(office, cards_in(office)[0])
    assert answer(office, task, "mow").status == "completed"
    [said] = [m for m in office.messages("#leads-incoming") if "It is mown" in m["text"]]
    assert "thread_ts" not in said


def test_the_view_shows_what_slack_leaves_of_a_deleted_card(office: Company) -> None:
    from tests.engine.hands import answer

    task = begin(office, ASK)
    answer(office, task, "mow")
    delete(office, cards_in(office)[0])
    params = {"user": "U0OWNER", "channel": "#leads-incoming"}
    state = httpx.get(f"{office.local_url}/slack/_state", params=params, timeout=10).json()
    assert "_This message was deleted._" in [m["text"] for m in state["messages"]]


def test_a_channel_that_is_gone_sends_it_to_escalations(office: Company) -> None:
    office.order("slack", "answer", path="chat.postMessage", status=200, times=1,
                 body='{"ok": false, "error": "channel_not_found"}')  # fmt: skip
    task = begin_without_settling(office)
    from engine import card_poster

    card_poster.show_due(office.runtime)
    assert office.card(task)["error"] == "channel_not_found"
    post_again(office, task)
    assert cards_in(office) == []
    assert len(cards_in(office, "#escalations")) == 1


def begin_without_settling(office: Company) -> Task:
    from tests.engine.hands import procedure

    office.import_sop(procedure(ASK))
    task = office.run_sop("small")
    run = office.claim()
    assert run is not None
    office.carry(run)
    return office.see(task)


def test_by_the_button_on_the_tasks_page(office: Company) -> None:
    task = begin(office, ASK)
    delete(office, cards_in(office)[0])
    browser = Browser(create_app(office.runtime), office).sign_in()
    browser.get(f"/tasks/{task.number}")
    assert browser.send(button="Post the card in Slack again").status_code == 303
    office.settle()
    assert len(cards_in(office)) == 1


def test_who_may_not_act_and_what_asks_nothing(office: Company) -> None:
    task = begin(office, ASK)
    with pytest.raises(NotAllowed), office.runtime.database.transaction("again") as conn:
        lost_cards.post_again(conn, office.runtime.settings, task.number, VIEWER)
    quiet = begin(office, "- key: say" + ASK.partition("- key: say")[2], slug="quiet")
    with pytest.raises(TaskClosed), office.runtime.database.transaction("again") as conn:
        lost_cards.post_again(conn, office.runtime.settings, quiet.number, OWNER)
    assert question(office, task)["state"] == "open"
    assert rows(office, "select generation from cards") == [{"generation": 0}]
