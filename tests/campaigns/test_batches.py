"""A campaign's drafts on one card: gathered, frozen, approved together, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from engine import agents
from engine.demo import OWNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import answer, children, procedure, question, rows, token, undo
from tests.world import Company

CHILD = """
- key: approve
  name: Approve the mail
  type: slack_ask_human
  on_failure: fail
  config:
    title: A word to {{customer_name}}
    kind: approval
    batch: true
    mail: {to: '{{customer_email}}', subject: 'Spring', body: '{{draft_body}}'}
    quote: ''
    choices:
      send: {label: Send as is, style: primary, undoable: true}
      edit: {label: Edit first, form: edit, undoable: true}
      refuse: {label: Don't send, style: danger, form: reason, goto: complete}
- key: send
  name: Send it
  type: api_call
  config: {service: email, operation: send}
"""
EACH = """
- key: each
  name: Each of them
  type: for_each
  config: {items: customer_list, sop: word, pace: %s}
"""
BODY = "Hi {name},\n\nthe season begins and we would be glad to see you again.\n\nChris"
NAMES = ["Anna Berg", "Bob Dahl", "Cleo Finn", "Dora Hill"]


def campaign(
    office: Company,
    *names: str,
    pace: float = 0,
    address: Mapping[str, str] = MappingProxyType({}),
    **bodies: str,
) -> Task:
    """`address` and `bodies` are by first name, where they are not as of everybody."""
    office.import_sop(procedure(CHILD, slug="word", agent="marketing"))
    office.import_sop(procedure(EACH % pace, slug="campaign", agent="marketing"))
    people = [
        {
            "customer_name": name,
            "customer_email": address.get(first, f"{first.lower()}@example.com"),
            "draft_body": bodies.get(first, BODY.format(name=name)),
        }
        for name in names or NAMES
        for first in [name.split()[0]]
    ]
    task = office.run_sop("campaign", customer_list=people)
    office.settle()
    return task


def posted(office: Company) -> list[dict[str, Any]]:
    return office.messages("#marketing")


def press(office: Company, label: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
    [card, *_] = rows(
        office,
        "select * from cards where kind = 'batch' and ts is not null order by created_at desc",
    )
    where = {"channel": card["posted_channel"], "message_ts": (message or card)["ts"]}
    said = {**where, "label": label, "user": OWNER_SLACK_ID}
    reply = httpx.post(f"{office.local_url}/slack/_press", json=said, timeout=10).json()
    office.settle()
    return reply


def addressees(office: Company) -> list[str]:
    return sorted(mail["to"][0].split("@")[0] for mail in office.outbox)


def test_one_card_for_all_and_none_of_their_own(office: Company) -> None:
    task = campaign(office)
    [card] = posted(office)
    assert "4 drafts wait for you" in str(card["blocks"])
    assert all(name in str(card["blocks"]) for name in NAMES)
    assert BODY.format(name="Anna Berg").splitlines()[2] in str(card["blocks"])
    assert office.see(task).status == "waiting_on_timer"
    assert not office.outbox


def test_approved_together_they_are_sent_after_five_minutes(office: Company) -> None:
    task = campaign(office)
    press(office, "Approve all 4")
    [card] = posted(office)
    assert "4 go out" in str(card["blocks"])
    office.pass_time(minutes=4)
    assert not office.outbox
    office.pass_time(minutes=2)
    assert addressees(office) == ["anna", "bob", "cleo", "dora"]
    assert office.see(task).status == "completed"
    [card] = posted(office)
    assert "4 sent as drafted" in str(card["blocks"])
    assert not [block for block in card["blocks"] if block["type"] == "actions"]
    assert rows(office, "select closed_at is not null as closed from batches") == [{"closed": True}]


def test_undo_takes_all_of_them_back_onto_the_same_card(office: Company) -> None:
    campaign(office)
    press(office, "Approve all 4")
    press(office, "Undo")
    office.pass_time(minutes=10)
    assert not office.outbox
    assert len(posted(office)) == 1
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    assert len(office.outbox) == 4


def test_what_a_paused_agent_has_not_sent_can_be_taken_back_after_the_five_minutes(
    office: Company,
) -> None:
    """Wrong prices: the owner pauses the agent first, and takes the mails back then."""
    campaign(office)
    press(office, "Approve all 4")
    with office.runtime.database.transaction("pause") as conn:
        agents.pause(conn, "marketing", by="test")
    office.pass_time(minutes=30)
    press(office, "Undo")
    office.settle()
    with office.runtime.database.transaction("resume") as conn:
        agents.resume(conn, "marketing", by="test")
    office.pass_time(minutes=30)
    assert not office.outbox
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    assert len(office.outbox) == 4


def test_one_is_edited_one_struck_out_the_others_go_together(office: Company) -> None:
    task = campaign(office)
    anna, bob, *_ = children(office, task)
    edited = "Hi Anna,\n\nI have spoken to your neighbor.\n\nChris"
    answer(office, anna, "edit", draft_subject="Spring", draft_body=edited, settle=False)
    answer(office, bob, "refuse", reason="Moved away", settle=False)
    office.settle()
    press(office, "Approve all 2")
    office.pass_time(minutes=6)
    assert addressees(office) == ["anna", "cleo", "dora"]
    [mail] = [mail for mail in office.outbox if mail["to"] == ["anna@example.com"]]
    assert mail["text"].startswith(edited)
    [card] = posted(office)
    assert "2 sent as drafted, 1 edited, 1 struck out" in str(card["blocks"])


def test_outliers_are_pulled_out(office: Company) -> None:
    task = campaign(office, *NAMES, Bob="Hi Bob Dahl,\n\n" + "a long story " * 60)
    [card] = posted(office)
    assert "much longer than the others" in str(card["blocks"])
    press(office, "Approve these 3")
    office.pass_time(minutes=6)
    assert addressees(office) == ["anna", "cleo", "dora"]
    [_, bob, *_] = children(office, task)
    assert question(office, bob)["state"] == "open"
    answer(office, bob, "send", settle=False)
    office.pass_time(minutes=6)
    assert "bob" in addressees(office)


def test_two_drafts_to_one_address_are_never_approved_together(office: Company) -> None:
    campaign(office, "Anna Berg", "Anna Ohlsen", "Cleo Finn")
    [card] = posted(office)
    assert "another draft goes to the same address" in str(card["blocks"])
    press(office, "Approve these 1")
    office.pass_time(minutes=6)
    assert addressees(office) == ["cleo"]


def test_late_drafts_go_to_the_next_card(office: Company) -> None:
    task = campaign(office, pace=1500)
    assert not posted(office), "another one is on its way"
    office.pass_time(minutes=26)
    [card] = posted(office)
    assert "2 drafts wait for you" in str(card["blocks"])
    office.pass_time(minutes=60)
    first, second = posted(office)
    assert "2 drafts wait for you" in str(first["blocks"])
    assert "Cleo" in str(second["blocks"])
    press(office, "Approve all 2", first)
    office.pass_time(minutes=6)
    assert addressees(office) == ["anna", "bob"]
    assert office.see(task).status == "waiting_on_timer"


def test_what_was_edited_and_taken_back_goes_to_the_next_card(office: Company) -> None:
    task = campaign(office)
    [anna, *_] = children(office, task)
    answer(office, anna, "edit", draft_subject="Spring", draft_body="Changed", settle=False)
    undo(office, token(office, anna))
    office.settle()
    first, second = posted(office)
    assert "3 drafts wait" in str(first["blocks"])
    assert "Changed" in str(second["blocks"])
    press(office, "Approve all 3", first)
    office.pass_time(minutes=6)
    assert addressees(office) == ["bob", "cleo", "dora"]


def test_a_draft_that_somebody_edits_is_left_to_them(office: Company) -> None:
    from engine import questions
    from tests.engine.hands import PARTNER

    task = campaign(office)
    [anna, *_] = children(office, task)
    with office.runtime.database.transaction("edit") as conn:
        questions.mark_editing(conn, token(office, anna), PARTNER)
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    assert addressees(office) == ["bob", "cleo", "dora"]
    [card] = posted(office)
    assert "Sam is editing it" in str(card["blocks"])


def test_a_stranger_approves_nothing(office: Company) -> None:
    campaign(office)
    [card] = rows(office, "select * from cards where kind = 'batch'")
    said = {"channel": card["posted_channel"], "message_ts": card["ts"],
            "label": "Approve all 4", "user": "U0STRANGER"}  # fmt: skip
    httpx.post(f"{office.local_url}/slack/_press", json=said, timeout=10)
    office.settle()
    office.pass_time(minutes=10)
    assert not office.outbox


def test_the_same_click_twice_approves_once(office: Company) -> None:
    campaign(office)
    press(office, "Approve all 4")
    press(office, "Undo")
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    assert len(office.outbox) == 4


def test_without_a_campaign_the_question_has_a_card_of_its_own(office: Company) -> None:
    office.import_sop(procedure(CHILD, slug="word", agent="marketing"))
    office.run_sop("word", customer_name="Anna Berg", customer_email="a@example.com",
                   draft_body="Hi Anna Berg, hello.")  # fmt: skip
    office.settle()
    [card] = posted(office)
    assert "Send as is" in str(card["blocks"])


def test_a_batch_of_what_cannot_be_approved_is_refused(office: Company) -> None:
    from engine.errors import SopInvalid

    with pytest.raises(SopInvalid, match="style danger"):
        office.import_sop(procedure(CHILD.replace(", style: danger", ""), slug="word"))


def test_erased_the_card_says_so(office: Company) -> None:
    from engine import erasure

    campaign(office)
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    office.pass_time(days=31)
    erasure.erase_due(office.runtime)
    office.settle()
    [card] = posted(office)
    assert "erased" in str(card["blocks"])
    assert "Anna" not in str(card["blocks"])
