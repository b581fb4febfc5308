"""Slack's posts, pressed by the stand-in's hands as a thumb would press them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask

from engine import questions
from engine.answers import Answer
from engine.demo import OWNER_SLACK_ID, PARTNER_SLACK_ID
from engine.people import Person
from engine.tasks import Task
from tests.engine.hands import question, rows, token
from tests.web.webhooks.signing import post, signed
from tests.world import Company

STRANGER = "U0STRANGER"
LETTER = "  Hi Rachel,\n\n\nwe come on Tuesday.\n"


@pytest.fixture
def lead(office: Company) -> Task:
    task = office.mail("lead")
    office.settle()
    return task


def deliveries(office: Company) -> list[dict[str, Any]]:
    return rows(office, "select * from deliveries order by received_at")


def told(office: Company, user: str) -> list[str]:
    """What only this person sees in #leads-incoming."""
    reply = httpx.get(
        f"{office.local_url}/slack/_messages",
        params={"channel": "#leads-incoming", "user": user},
        timeout=10,
    )
    return [m["text"] for m in reply.json()["messages"] if m["ephemeral"]]


def modals(office: Company, user: str) -> list[dict[str, Any]]:
    params = {"user": user, "channel": "#leads-incoming"}
    return httpx.get(f"{office.local_url}/slack/_state", params=params, timeout=10).json()["views"]


def answered_by_sam(office: Company, task: Task) -> None:
    sam = Person("sam", "Sam", "web", may_act=True)
    with office.runtime.database.transaction("answer") as conn:
        given = Answer("refuse", {"reason": "not ours"})
        questions.answer(conn, office.runtime.settings, token(office, task), given, sam)


# -- clicks -------------------------------------------------------------------------


def test_a_click_is_stored_and_acknowledged_and_acted_on_later(office: Company, lead: Task) -> None:
    assert office.press(lead, "Send as is") == {"ok": True, "status": 200, "body": "", "error": ""}
    assert question(office, lead)["state"] == "open", "nothing is decided inside the request"
    assert [row["done_at"] for row in deliveries(office)] == [None]
    office.settle()
    assert question(office, lead)["answer"]["by"]["name"] == "Chris"
    office.pass_time(seconds=31)
    assert len(office.outbox) == 1


def test_the_same_click_twice_is_one(office: Company, app: Flask, lead: Task) -> None:
    office.press(lead, "Send as is")
    payload = deliveries(office)[0]["body"]
    assert post(app, "interactions", bytes(payload)).status_code == 200
    assert len(deliveries(office)) == 1


def test_undo_by_click(office: Company, lead: Task) -> None:
    office.press(lead, "Send as is")
    office.settle()
    assert office.press(lead, "Undo")["status"] == 200
    office.settle()
    assert question(office, lead)["state"] == "open"
    office.pass_time(seconds=60)
    assert office.outbox == []


def test_a_stranger_is_refused_privately_and_leaves_no_trace(office: Company, lead: Task) -> None:
    for label in ("Send as is", "Edit first"):
        assert office.press(lead, label, user=STRANGER)["status"] == 200
    assert deliveries(office) == []
    assert question(office, lead)["state"] == "open"
    assert len(told(office, STRANGER)) == 2
    assert "company’s list" in told(office, STRANGER)[0]
    assert told(office, OWNER_SLACK_ID) == []
    assert modals(office, STRANGER) == []


def test_an_owner_of_another_workspace_is_a_stranger(
    office: Company, app: Flask, lead: Task
) -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": OWNER_SLACK_ID, "team_id": "T0ELSEWHERE"},
        "team": {"id": "T0LOCAL"},
        "trigger_id": "1.x",
        "actions": [{"action_id": "answer:send", "value": token(office, lead)}],
    }
    answer = post(app, "interactions", httpx.QueryParams({"payload": json.dumps(payload)}))
    assert answer.status_code == 200
    assert deliveries(office) == []


# -- forms --------------------------------------------------------------------------


def test_a_form_is_opened_inside_the_request(office: Company, lead: Task) -> None:
    assert office.press(lead, "Edit first")["status"] == 200
    (view,) = modals(office, OWNER_SLACK_ID)
    typed = {
        b["block_id"]: b["element"].get("initial_value") for b in view["blocks"] if "element" in b
    }
    assert typed["field:draft_body"] == question(office, lead)["mail"]["body"]
    assert question(office, lead)["state"] == "editing"
    assert question(office, lead)["editing"]["name"] == "Chris"
    assert deliveries(office) == []


def test_what_is_typed_in_the_form_is_what_is_sent(office: Company, lead: Task) -> None:
    office.press(lead, "Edit first")
    (view,) = modals(office, OWNER_SLACK_ID)
    sent = office.submit(view["id"], draft_body=LETTER, draft_subject="Tuesday")
    assert (sent["status"], sent["errors"]) == (200, {})
    assert modals(office, OWNER_SLACK_ID) == []
    office.settle()
    assert question(office, lead)["mail"]["body"] == LETTER


def test_a_gap_is_shown_at_its_field(office: Company, lead: Task) -> None:
    office.press(lead, "Edit first")
    (view,) = modals(office, OWNER_SLACK_ID)
    sent = office.submit(view["id"], draft_body="   ")
    assert list(sent["errors"]) == ["field:draft_body"]
    assert deliveries(office) == []
    assert len(modals(office, OWNER_SLACK_ID)) == 1


def test_a_reason_is_asked_for(office: Company, lead: Task) -> None:
    office.press(lead, "Don't send")
    (view,) = modals(office, OWNER_SLACK_ID)
    assert question(office, lead)["state"] == "open", "giving a reason is not editing"
    assert office.submit(view["id"], reason="They moved away.")["status"] == 200
    office.settle()
    assert "They moved away." in str(question(office, lead)["answer"]["fields"])
    assert office.outbox == []


def test_who_opens_a_form_too_late_is_told_who_was_first(office: Company, lead: Task) -> None:
    answered_by_sam(office, lead)
    assert office.press(lead, "Edit first")["status"] == 200
    assert modals(office, OWNER_SLACK_ID) == []
    assert told(office, OWNER_SLACK_ID) == ["Sam was first: “Don't send”."]


def test_a_late_form_keeps_its_text_and_says_who_was_first(office: Company, lead: Task) -> None:
    office.press(lead, "Edit first")
    (view,) = modals(office, OWNER_SLACK_ID)
    answered_by_sam(office, lead)
    assert office.submit(view["id"], draft_body=LETTER)["status"] == 200
    (view,) = modals(office, OWNER_SLACK_ID)
    said = json.dumps(view["blocks"])
    assert "Sam was first" in said
    assert json.dumps(LETTER)[1:-1] in said
    assert deliveries(office) == []


def test_a_click_that_loses_the_race_is_told_by_the_worker(office: Company, lead: Task) -> None:
    office.press(lead, "Send as is")
    office.press(lead, "Send as is", user=PARTNER_SLACK_ID)
    office.settle()
    assert question(office, lead)["answer"]["by"]["name"] == "Chris"
    assert "Chris answered" in " ".join(told(office, PARTNER_SLACK_ID))


def test_a_form_that_slack_does_not_open_leaves_no_mark(office: Company, lead: Task) -> None:
    office.order("slack", "answer", path="views.open", status=200,
                 body='{"ok": false, "error": "expired_trigger_id"}')  # fmt: skip
    assert office.press(lead, "Edit first")["status"] == 200
    assert question(office, lead)["state"] == "open"
    assert "once more" in told(office, OWNER_SLACK_ID)[0]


@pytest.mark.slow
def test_a_slow_slack_does_not_keep_the_click_waiting(office: Company, lead: Task) -> None:
    office.order("slack", "slow", path="views.open", seconds=4)
    office.order("slack", "slow", path="chat.postEphemeral", seconds=4)
    assert office.press(lead, "Edit first")["status"] == 200, "within Slack's three seconds"


def test_a_card_of_an_erased_task_says_so(office: Company, app: Flask, lead: Task) -> None:
    given = token(office, lead)
    gone = given.replace(given[:8], "00000000")
    payload = {
        "type": "block_actions",
        "user": {"id": OWNER_SLACK_ID, "team_id": "T0LOCAL"},
        "trigger_id": "1.x",
        "channel": {"id": "C0LEADS"},
        "actions": [{"action_id": "answer:edit", "value": gone}],
    }
    answer = post(app, "interactions", httpx.QueryParams({"payload": json.dumps(payload)}))
    assert answer.status_code == 200
    assert "gone" in told(office, OWNER_SLACK_ID)[0]


# -- commands, events -----------------------------------------------------------------


def command(office: Company, text: str, *, name: str = "/sop", user: str = OWNER_SLACK_ID) -> str:
    body = {"command": name, "text": text, "user": user, "channel": "#leads-incoming"}
    reply = httpx.post(f"{office.local_url}/slack/_command", json=body, timeout=10).json()
    assert reply["status"] == 200, reply
    said = json.loads(reply["body"])
    assert said["response_type"] == "ephemeral"
    return said["text"]


def test_a_command_is_answered_privately(office: Company) -> None:
    assert "new_lead_response" in command(office, "list")
    assert "Lead response is paused." in command(office, "pause lead_response", name="/agent")
    assert "company’s list" in command(office, "stop", user=STRANGER)
    assert "Nothing was stopped" in command(office, "resume")


def test_a_stop_shows_what_is_held_and_only_somebody_on_the_list_lifts_it(
    office: Company, lead: Task
) -> None:
    office.press(lead, "Send as is")
    office.settle()
    said = command(office, "stop the price is wrong")
    assert "1 approved message about to go out will be held too." in said
    office.pass_time(seconds=31)
    assert office.outbox == []
    assert f"• task {lead.number}, New lead response: Send the reply" in command(office, "status")
    assert "company’s list" in command(office, "resume", user=STRANGER)
    office.pass_time(hours=1)
    assert office.outbox == []
    [card, *_] = office.messages("#leads-incoming")
    assert "everything is stopped" in str(card["blocks"])
    assert "1 held task released" in command(office, "resume", user=PARTNER_SLACK_ID)
    office.settle()
    assert len(office.outbox) == 1
    [card, *_] = office.messages("#leads-incoming")
    assert "stopped" not in str(card["blocks"])


def test_who_is_away_says_so_in_slack_and_is_back_by_a_word(office: Company) -> None:
    assert "You are away until" in command(office, "away until tomorrow")
    assert "Questions go to Sam." in command(office, "away until tomorrow")
    assert "write 2026-12-01" in command(office, "away until whenever")
    assert "company’s list" in command(office, "away until friday", user=STRANGER)
    assert "Chris is here again" in command(office, "back")


def test_the_home_tab_is_the_inbox(office: Company, lead: Task) -> None:
    for user, expected in (
        (OWNER_SLACK_ID, "Waiting for you: 1"),
        (STRANGER, "company\\u2019s list"),
    ):
        reply = httpx.post(f"{office.local_url}/slack/_home", json={"user": user}, timeout=10)
        assert reply.json()["status"] == 200
        params = {"user": user, "channel": "#leads-incoming"}
        home = httpx.get(f"{office.local_url}/slack/_state", params=params, timeout=10).json()[
            "home"
        ]
        assert expected in json.dumps(home)


def test_slack_may_ask_whether_the_address_is_ours(app: Flask) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    answer = post(app, "events", body)
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aB")


# -- what is not ours -----------------------------------------------------------------


@pytest.mark.parametrize("where", ["interactions", "commands", "events"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers.pop("X-Slack-Signature"),
        lambda headers: headers.pop("X-Slack-Request-Timestamp"),
        lambda headers: headers.update({"X-Slack-Signature": "v0=" + "0" * 64}),
        lambda headers: headers.update({"X-Slack-Signature": "v0=é"}),
        lambda headers: headers.update({"X-Slack-Request-Timestamp": "now"}),
        lambda headers: headers.update({"X-Slack-Request-Timestamp": "²³"}),
        lambda headers: headers.update(signed(b"payload=", at=-301)),
        lambda headers: headers.update(signed(b"payload=", at=301)),
        lambda headers: headers.update(signed(b"another body")),
    ],
)
def test_forged_stale_or_malformed_is_401(
    app: Flask, office: Company, where: str, spoil: Callable[[dict[str, str]], object]
) -> None:
    headers = signed(b"payload=")
    spoil(headers)
    answer = app.test_client().post(f"/webhooks/slack/{where}", data=b"payload=", headers=headers)
    assert answer.status_code == 401
    assert deliveries(office) == []


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("interactions", b""),
        ("interactions", b"payload=nonsense"),
        ("interactions", b"payload=%7B%22type%22%3A%22block_actions%22%7D"),
        ("interactions", b"payload=\xff\xfe"),
        ("commands", b"text=list"),
        ("events", b"[]"),
        ("events", b"\xff"),
    ],
)
def test_signed_nonsense_is_400(app: Flask, where: str, body: bytes) -> None:
    assert post(app, where, body).status_code == 400


def test_an_empty_secret_opens_nothing(office: Company) -> None:
    from pydantic import SecretStr

    from tests.engine.hands import setting
    from web import create_app

    with setting(office, slack_signing_secret=SecretStr("")):
        app = create_app(office.runtime)
        answer = post(app, "interactions", b"payload={}", secret="")
    assert answer.status_code == 401
