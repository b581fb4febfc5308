"""The app's home tab: the inbox on a phone, batches and single questions, answered there."""

from __future__ import annotations

import json
from typing import Any

import httpx

from engine.demo import OWNER_SLACK_ID
from tests.campaigns.test_batches import NAMES, addressees, campaign
from tests.campaigns.test_review import labels, stack, tap, top
from tests.engine.hands import answer, children, question
from tests.world import Company

STRANGER = "U0STRANGER"


def home(office: Company, user: str = OWNER_SLACK_ID) -> dict[str, Any]:
    """The tab as somebody finds it who opens it."""
    reply = httpx.post(f"{office.local_url}/slack/_home", json={"user": user}, timeout=60)
    assert reply.json()["ok"]
    return seen(office, user)


def seen(office: Company, user: str = OWNER_SLACK_ID) -> dict[str, Any]:
    """The tab as it stands there, without being opened once more."""
    params = {"user": user, "channel": "#marketing"}
    state = httpx.get(f"{office.local_url}/slack/_state", params=params, timeout=60).json()
    return state["home"]


def press(office: Company, label: str, user: str = OWNER_SLACK_ID) -> None:
    body = {"view_id": seen(office, user)["id"], "label": label, "user": user}
    reply = httpx.post(f"{office.local_url}/slack/_press", json=body, timeout=60).json()
    assert reply["ok"], reply
    office.settle()


def said(view: dict[str, Any]) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def test_a_batch_counts_once_and_is_approved_there(office: Company) -> None:
    campaign(office, *NAMES, Cleo="Hi Cleo Finn,\n\n" + "a long story " * 60)
    shown = said(home(office))
    assert "Waiting for you: 1" in shown
    assert "4 drafts wait for you" in shown
    assert "1 of them to be looked at one by one" in shown
    press(office, "Approve these 3")
    shown = said(seen(office))
    assert "1 draft waits for you" in shown, "the tab says at once what came of it"
    assert "Undo" in shown
    press(office, "Undo")
    assert "Approve these 3" in said(seen(office))
    press(office, "Approve these 3")
    office.pass_time(minutes=6)
    assert addressees(office) == ["anna", "bob", "dora"]


def test_a_batch_is_reviewed_from_there(office: Company) -> None:
    task = campaign(office)
    home(office)
    press(office, "Review one by one")
    assert "Anna Berg" in top(office)
    tap(office, "Strike out")
    assert question(office, children(office, task)[0])["answer"]["choice"] == "refuse"
    for _ in NAMES[1:]:
        tap(office, "Send as is")
    office.pass_time(minutes=6)
    assert "Nothing is waiting for you" in said(home(office))


def test_a_single_question_is_answered_without_a_browser(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    assert "Reply to a new lead" in said(home(office))
    press(office, "Answer")
    assert json.dumps(question(office, task)["mail"]["body"])[1:-1] in top(office)
    tap(office, "Send as is")
    assert "Look again in a moment" in top(office)
    tap(office, "Look again")
    assert "sending in 30 s" in top(office)
    tap(office, "Undo")
    tap(office, "Look again")
    tap(office, "Edit first")
    office.submit(stack(office)[-1]["id"], draft_body="My own words")
    office.settle()
    office.pass_time(seconds=31)
    [mail] = office.outbox
    assert mail["text"].startswith("My own words")
    tap(office, "Look again")
    assert "*Edit first* · Chris" in top(office)
    assert labels(office) == []


def test_a_question_that_is_answered_meanwhile(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    home(office)
    answer(office, task, "refuse", reason="not ours")
    press(office, "Answer")
    assert "Don't send: not ours" in top(office)
    assert labels(office) == []


def test_strangers_find_nothing_there(office: Company) -> None:
    campaign(office)
    assert "company’s list" in said(home(office, STRANGER))
    assert "drafts" not in said(home(office, STRANGER))


def test_many_batches_and_questions_fit(office: Company) -> None:
    for _ in range(7):
        campaign(office, "Anna Berg", "Bob Dahl")
    for n in range(30):
        office.run_sop("word", customer_name=f"Anna {n}", customer_email=f"a{n}@example.com",
                       draft_body="Hi, hello.")  # fmt: skip
    office.settle(rounds=4000)
    shown = said(home(office))
    assert "Waiting for you: 37" in shown
    assert "8 more." in shown
