"""Cards whose posting is cut short, overtaken or taken over: in the end Slack shows what is
so, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import card_drawing, card_poster, cards, questions
from engine.answers import Answer
from engine.cards import Card
from engine.errors import Refused
from engine.people import Person
from engine.postgres import connect
from engine.tasks import Task
from tests.chaos.accounts import answerable
from tests.engine.hands import rows, vendors_have_answered
from tests.world import Company, company

OWNER = Person("chris", "Chris", "web", may_act=True)
ASK = """
slug: ask
name: Ask
agent: lead_response
steps:
  - {key: ask, name: Ask, type: slack_ask_human,
     config: {title: 'Shall we?', choices: {go: {label: Go on}, no: {label: Leave it}}}}
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, web=False) as here:
        here.import_sop(ASK)
        yield here


def asked(office: Company) -> Task:
    """A task that has asked, and whose card nobody has shown yet."""

    task = office.run_sop("ask")
    run = office.claim()
    assert run is not None
    office.carry(run)
    return office.see(task)


def take(office: Company) -> list[Card]:
    """What a worker does that means to show them, after the leases of others are over."""
    with office.runtime.database.statement("take") as conn:
        conn.execute("update rate_limits set next_free = now()")
        conn.execute("update cards set next_try_at = now(), held_until = null where wanted > shown")
        return [Card(**row) for row in cards.sql.take(conn, lease_seconds=30)]


def show(office: Company, card: Card) -> None:
    card_poster.show(office.runtime, card, until=time.monotonic() + 30)


def answer(office: Company, task: Task) -> None:
    question = office.see(task).question
    assert question is not None
    with office.runtime.database.transaction("answer") as conn:
        token = questions.token_of(question)
        questions.answer(conn, office.runtime.settings, token, Answer("go", {}), OWNER)


def in_slack(office: Company) -> list[dict[str, Any]]:
    return [m for m in office.messages("#leads-incoming") if "Shall we?" in str(m)]


@contextmanager
def instead(thing: Any, name: str, function: Any) -> Iterator[None]:
    before = getattr(thing, name)
    setattr(thing, name, function)
    try:
        yield
    finally:
        setattr(thing, name, before)


class Killed(BaseException):
    """The process ends here."""


def being_edited(office: Company) -> tuple[Task, Any]:
    """A task whose card is to say that somebody edits it, and the card, taken for that."""
    task = asked(office)
    show(office, take(office)[0])
    question = office.see(task).question
    assert question is not None
    with office.runtime.database.transaction("edit") as conn:
        questions.mark_editing(conn, questions.token_of(question), OWNER)
    [slow] = take(office)
    return task, slow


def test_a_card_that_was_posted_by_a_dead_worker_shows_the_answer_given_since(
    office: Company,
) -> None:
    task = asked(office)
    [card] = take(office)

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with instead(cards.sql, "shown", die), pytest.raises(Killed):
        show(office, card)
    assert answerable(in_slack(office)[0])
    answer(office, task)

    for _ in range(2):
        for again in take(office):
            show(office, again)
    [message] = in_slack(office)
    assert not answerable(message)


def test_a_change_that_is_overtaken_by_a_newer_one_is_shown_once_more(office: Company) -> None:
    task, slow = being_edited(office)
    update = office.runtime.slack.update

    def overtaken(*args: Any, **more: Any) -> None:
        """While this change is on its way another worker shows the answer."""
        object.__setattr__(office.runtime.slack, "update", update)
        answer(office, task)
        [newer] = take(office)
        show(office, newer)
        assert not answerable(in_slack(office)[0])
        update(*args, **more)

    object.__setattr__(office.runtime.slack, "update", overtaken)
    show(office, slow)
    assert answerable(in_slack(office)[0]), "the older state arrived last"
    for again in take(office):
        show(office, again)
    assert not answerable(in_slack(office)[0])
    assert not take(office), "and then there is an end of it"


def test_a_worker_that_wakes_up_with_a_change_under_way_has_the_newer_one_shown_again(
    office: Company,
) -> None:
    """It was frozen for longer than its lease, and the database was started anew meanwhile:
    none of its connections is alive."""
    task, slow = being_edited(office)
    update = office.runtime.slack.update

    def frozen(*args: Any, **more: Any) -> None:
        object.__setattr__(office.runtime.slack, "update", update)
        answer(office, task)
        show(office, take(office)[0])
        update(*args, **more)
        with connect(office.runtime.database.dsn) as conn:
            conn.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )

    object.__setattr__(office.runtime.slack, "update", frozen)
    show(office, slow)
    assert answerable(in_slack(office)[0]), "the older state arrived last"
    for again in take(office):
        show(office, again)
    assert not answerable(in_slack(office)[0])


def test_a_card_that_a_worker_has_in_hand_is_taken_by_no_other_one(office: Company) -> None:
    """That one may die with its call on the way, and what arrives last must not be the older."""
    task, slow = being_edited(office)
    answer(office, task)
    assert card_poster.show_due(office.runtime) == 0
    show(office, slow)
    assert card_poster.show_due(office.runtime) == 1
    assert not answerable(in_slack(office)[0])


def test_a_worker_that_froze_with_a_card_in_hand_shows_nothing(office: Company) -> None:
    asked(office)
    [card] = take(office)
    card_poster.show(office.runtime, card, until=time.monotonic() - 1)
    assert not office.requests("slack", "chat.postMessage")
    [again] = take(office)
    show(office, again)
    assert len(in_slack(office)) == 1


def test_one_card_that_cannot_be_drawn_holds_no_other_one_back(office: Company) -> None:
    first, second = asked(office), asked(office)
    drawn = card_drawing.drawn

    def break_down(runtime: Any, card: Card) -> Any:
        if card.task_id == first.id:
            raise KeyError("a customer's name")
        return drawn(runtime, card)

    with instead(card_drawing, "drawn", break_down):
        take(office)
        with office.runtime.database.statement("due") as conn:
            conn.execute("update cards set next_try_at = now(), held_until = null")
        card_poster.show_due(office.runtime)
    assert office.card(second)["ts"] is not None
    assert office.card(first)["tries"] == 1


def test_a_worker_that_stops_gives_back_the_cards_it_has_taken(office: Company) -> None:
    asked(office), asked(office)
    assert card_poster.show_due(office.runtime, stopping=lambda: True) == 0
    with office.runtime.database.read() as conn:
        assert cards.sql.due(conn), "the next worker must not wait for them"


def test_what_slack_refuses_is_tried_again(office: Company) -> None:
    task = asked(office)
    [card] = take(office)

    def refuse(*_: Any, **__: Any) -> None:
        raise Refused("slack", "channel_not_found")

    post = office.runtime.slack.post
    object.__setattr__(office.runtime.slack, "post", refuse)
    show(office, card)
    assert office.card(task)["tries"] == 1
    object.__setattr__(office.runtime.slack, "post", post)
    [card] = take(office)
    show(office, card)
    assert len(in_slack(office)) == 1


def test_an_alarm_whose_post_got_no_answer_is_told_once_when_it_is_raised_again(
    office: Company,
) -> None:
    """The new one is no other message, or nobody would ever say of the first that it is over."""

    def raise_alarm() -> None:
        with office.runtime.database.transaction("alarm") as conn:
            cards.raise_alarm(conn, "outage:crm", "The CRM is away.", channel="#escalations")

    raise_alarm()
    office.order("slack", "drop_after", path="chat.postMessage")
    show(office, take(office)[0])
    with office.runtime.database.transaction("over") as conn:
        cards.close_alarm(conn, "outage:crm")
    raise_alarm()
    vendors_have_answered(office)
    [told] = [m["text"] for m in office.messages("#escalations") if "CRM is away" in m["text"]]
    assert not told.startswith("Over")
    assert rows(office, "select key from effects where state <> 'done'") == []
