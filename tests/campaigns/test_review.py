"""A campaign's drafts looked through in Slack alone: one after another, in a modal."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from engine.demo import OWNER_SLACK_ID, PARTNER_SLACK_ID
from tests.campaigns import test_batches
from tests.campaigns.test_batches import BODY, NAMES, addressees, campaign, posted, press
from tests.engine.hands import PARTNER, answer, children, question, rows
from tests.web.webhooks.signing import post
from tests.world import Company
from web import create_app
from web.local.slack import limits, views

STRANGER = "U0STRANGER"


def stack(office: Company, user: str = OWNER_SLACK_ID) -> list[dict[str, Any]]:
    """The modals that a person has open, the top one last."""
    params = {"user": user, "channel": "#marketing"}
    state = httpx.get(f"{office.local_url}/slack/_state", params=params, timeout=60).json()
    return state["views"]


def top(office: Company) -> str:
    """The modal on top, as text; Slack would take it."""
    view = stack(office)[-1]
    assert limits.of_view(view) == []
    return json.dumps(view["blocks"], ensure_ascii=False)


def tap(office: Company, label: str, *, user: str = OWNER_SLACK_ID, settle: bool = True) -> None:
    """A button of the modal on top."""
    body = {"view_id": stack(office, user)[-1]["id"], "label": label, "user": user}
    reply = httpx.post(f"{office.local_url}/slack/_press", json=body, timeout=60).json()
    assert reply["ok"], reply
    if settle:
        office.settle()


def labels(office: Company) -> list[str]:
    blocks = stack(office)[-1]["blocks"]
    return [e["text"]["text"] for b in blocks if b["type"] == "actions" for e in b["elements"]]


def review(office: Company) -> None:
    assert press(office, "Review one by one")["status"] == 200


def test_it_walks_the_drafts_without_a_browser(office: Company) -> None:
    campaign(office)
    review(office)
    for place, name in enumerate(NAMES, start=1):
        shown = top(office)
        assert f"*{place} of 4*" in shown
        assert f"{name} <{name.split()[0].lower()}@example.com>" in shown
        assert json.dumps(BODY.format(name=name))[1:-1] in shown, "the exact body"
        assert "Spring" in shown
        if place < 4:
            tap(office, "Next ▶")
    assert "Next ▶" not in labels(office)
    tap(office, "◀ Previous")
    assert "Cleo Finn" in top(office)
    assert len(stack(office)) == 1, "one modal, whose page is turned"
    assert rows(office, "select * from deliveries") == [], "to look is no answer"


def test_those_that_stand_out_come_first_and_say_why(office: Company) -> None:
    campaign(office, *NAMES, Cleo="Hi Cleo Finn,\n\n" + "a long story " * 60)
    review(office)
    assert "Cleo Finn" in top(office)
    assert "much longer than the others" in top(office)
    tap(office, "Next ▶")
    assert "Anna Berg" in top(office)
    assert "Stands out" not in top(office)


def test_struck_out_sent_and_edited_it_goes_on_to_the_next(office: Company) -> None:
    task = campaign(office)
    edited = "  Hi Cleo,\n\n\nI have spoken to your neighbor. \n"
    review(office)
    tap(office, "Strike out")
    assert "Anna Berg: struck out." in top(office)
    assert "Bob Dahl" in top(office)
    tap(office, "Send as is")
    assert "*3 of 4* · 2 drafts wait" in top(office)
    tap(office, "Edit first")
    form = stack(office)[-1]
    assert form["previous_view_id"] == stack(office)[0]["id"]
    assert question(office, children(office, task)[2])["state"] == "editing"
    sent = office.submit(form["id"], draft_body=edited, draft_subject="For you")
    assert (sent["status"], sent["body"], sent["errors"]) == (200, "", {})
    office.settle()
    assert len(stack(office)) == 1, "the form is gone, the review stays"
    assert "*4 of 4* · 1 draft waits" in top(office)
    tap(office, "Send as is")
    assert "That was the last one" in top(office)
    tap(office, "From the beginning")
    assert "Don't send: Struck out" in top(office)
    office.pass_time(minutes=6)
    assert addressees(office) == ["bob", "cleo", "dora"]
    [mail] = [mail for mail in office.outbox if mail["to"] == ["cleo@example.com"]]
    assert mail["subject"] == "For you"
    assert mail["text"].startswith(edited.rstrip()), "byte for byte, before its footer"
    assert question(office, children(office, task)[2])["mail"]["body"] == edited


def test_a_strike_is_taken_back_in_the_review(office: Company) -> None:
    campaign(office)
    review(office)
    tap(office, "Send as is")
    tap(office, "◀ Previous")
    assert "sending in 300 s" in top(office)
    tap(office, "Undo", settle=False)
    assert "being taken back" in top(office)
    assert "Send as is" not in labels(office)
    office.settle()
    tap(office, "Look again")
    assert "Send as is" in labels(office)


def test_a_reason_in_own_words_leads_back_to_the_review(office: Company) -> None:
    task = campaign(office)
    review(office)
    tap(office, "Don't send")
    office.submit(stack(office)[-1]["id"], reason="Moved to Duluth")
    office.settle()
    assert "Bob Dahl" in top(office)
    given = question(office, children(office, task)[0])["answer"]
    assert "Moved to Duluth" in str(given["fields"])


def test_a_refusal_that_can_be_undone_shows_its_reason(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    undoable = test_batches.CHILD.replace("form: reason,", "form: reason, undoable: true,")
    monkeypatch.setattr(test_batches, "CHILD", undoable)
    campaign(office)
    review(office)
    tap(office, "Don't send")
    office.submit(stack(office)[-1]["id"], reason="Moved to Duluth")
    office.settle()
    tap(office, "◀ Previous")
    assert "Don't send: Moved to Duluth · can be undone until" in top(office)
    assert "sending" not in top(office)
    tap(office, "Undo")
    tap(office, "Look again")
    assert "Send as is" in labels(office)


def test_a_form_put_away_leads_back_and_takes_the_mark_off(office: Company) -> None:
    task = campaign(office)
    review(office)
    tap(office, "Edit first")
    body = {"view_id": stack(office)[-1]["id"], "user": OWNER_SLACK_ID}
    httpx.post(f"{office.local_url}/slack/_close", json=body, timeout=60)
    office.settle()
    assert question(office, children(office, task)[0])["state"] == "open"
    assert "Anna Berg" in top(office)


def test_an_edit_that_comes_late_keeps_its_text_and_says_who_was_first(office: Company) -> None:
    task = campaign(office)
    review(office)
    tap(office, "Edit first")
    anna = children(office, task)[0]
    answer(office, anna, "refuse", by=PARTNER, reason="Moved away", settle=False)
    office.submit(stack(office)[-1]["id"], draft_body="My own words")
    assert "Sam was first" in top(office)
    assert "My own words" in top(office)
    assert len(stack(office)) == 2, "closed, it leads back to the review"
    office.pass_time(minutes=6)
    assert not office.outbox


def test_a_button_pressed_late_is_told_privately(office: Company) -> None:
    task = campaign(office)
    review(office)
    anna = children(office, task)[0]
    answer(office, anna, "refuse", by=PARTNER, reason="Moved away", settle=False)
    tap(office, "Send as is")
    params = {"channel": "#marketing", "user": OWNER_SLACK_ID}
    reply = httpx.get(f"{office.local_url}/slack/_messages", params=params, timeout=60).json()
    [told] = [one["text"] for one in reply["messages"] if one["ephemeral"]]
    assert "Sam answered" in told
    assert question(office, anna)["answer"]["by"]["name"] == "Sam"


def test_a_draft_without_a_recipient_is_told_on_top_and_stays(office: Company) -> None:
    """Nothing is called sent that the engine would refuse."""
    task = campaign(office, "Anna Berg", "Bob Dahl", address={"Anna": ""})
    review(office)
    assert "Anna Berg" in top(office)
    tap(office, "Send as is")
    assert "is missing. Press “Edit first”" in top(office)
    assert rows(office, "select * from deliveries") == []
    [beneath, _] = stack(office)
    assert "Anna Berg" in json.dumps(beneath["blocks"]), "its page was not turned"
    assert question(office, children(office, task)[0])["state"] == "open"


def test_a_page_that_was_turned_meanwhile_is_left_alone(office: Company) -> None:
    """The thumb of somebody who taps twice, on a page that is gone by then."""
    campaign(office)
    review(office)
    [page] = stack(office)
    [turn] = [b["elements"][0] for b in page["blocks"] if b.get("block_id") == "turn"]
    tapped(office, page, turn)
    assert "Bob Dahl" in top(office)
    tap(office, "Next ▶")
    tapped(office, page, turn)
    assert "Cleo Finn" in top(office), "what came too late turned nothing back"


def tapped(office: Company, page: dict[str, Any], button: dict[str, Any]) -> None:
    """A button of a page as it was, whatever stands there by now."""
    payload = {
        "type": "block_actions",
        "user": {"id": OWNER_SLACK_ID, "team_id": "T0LOCAL"},
        "trigger_id": views.new_trigger(office.local, OWNER_SLACK_ID),
        "container": {"type": "view", "view_id": page["id"]},
        "view": page,
        "actions": [button],
    }
    body = httpx.QueryParams({"payload": json.dumps(payload)})
    assert post(create_app(office.runtime), "interactions", body).status_code == 200


def test_the_same_tap_delivered_twice_answers_once(office: Company) -> None:
    task = campaign(office)
    review(office)
    tap(office, "Send as is", settle=False)
    [kept] = rows(office, "select body from deliveries")
    app = create_app(office.runtime)
    assert post(app, "interactions", bytes(kept["body"])).status_code == 200
    office.settle()
    assert len(rows(office, "select * from deliveries")) == 1
    assert office.events(children(office, task)[0]).count("human_answered") == 1


def test_strangers_see_nothing(office: Company) -> None:
    campaign(office)
    [card] = posted(office)
    body = {"channel": "#marketing", "message_ts": card["ts"], "user": STRANGER}
    for label in ("Review one by one", "Approve all 4"):
        reply = httpx.post(
            f"{office.local_url}/slack/_press", json=body | {"label": label}, timeout=60
        ).json()
        assert reply["status"] == 200
    assert stack(office, STRANGER) == []
    assert rows(office, "select * from deliveries") == []


def test_two_people_review_at_once_and_the_first_answer_wins(office: Company) -> None:
    task = campaign(office)
    [card] = posted(office)
    for user in (OWNER_SLACK_ID, PARTNER_SLACK_ID):
        body = {"channel": "#marketing", "message_ts": card["ts"], "user": user,
                "label": "Review one by one"}  # fmt: skip
        httpx.post(f"{office.local_url}/slack/_press", json=body, timeout=60)
    tap(office, "Edit first", user=PARTNER_SLACK_ID)
    tap(office, "Strike out")
    given = question(office, children(office, task)[0])["answer"]
    assert (given["by"]["name"], given["choice"]) == ("Chris", "refuse")
    office.submit(stack(office, PARTNER_SLACK_ID)[-1]["id"], user=PARTNER_SLACK_ID)
    assert "Chris was first" in json.dumps(stack(office, PARTNER_SLACK_ID)[-1]["blocks"])


def test_somebody_editing_is_named_on_the_page(office: Company) -> None:
    from engine import questions
    from tests.engine.hands import token

    task = campaign(office)
    with office.runtime.database.transaction("edit") as conn:
        questions.mark_editing(conn, token(office, children(office, task)[0]), PARTNER)
    office.settle()
    review(office)
    assert "*Sam* is editing this" in top(office)


def test_an_outlier_is_struck_out_on_the_card_itself(office: Company) -> None:
    task = campaign(office, *NAMES, Cleo="Hi Cleo Finn,\n\n" + "a long story " * 60)
    press(office, "Strike out")
    cleo = children(office, task)[2]
    assert question(office, cleo)["answer"]["choice"] == "refuse"
    [card] = posted(office)
    assert "To be looked at" not in str(card["blocks"])
    press(office, "Approve all 3")
    office.pass_time(minutes=6)
    assert addressees(office) == ["anna", "bob", "dora"]


@pytest.mark.parametrize(
    "body", ["Hi Anna,\n" + "word " * 3000, "x" * 9000, "🌱" * 4000, "<b>&amp; *bold* :tada:</b>"]
)
def test_any_body_is_shown_whole(office: Company, body: str) -> None:
    campaign(office, "Anna Berg", Anna=body)
    review(office)
    top(office)
    shown = [
        block["text"]["text"]
        for block in stack(office)[-1]["blocks"]
        if block["type"] == "section" and block["text"]["type"] == "plain_text"
    ]
    assert "".join(shown) == body.replace("\n", "") if len(shown) > 1 else shown == [body]


def test_erased_it_says_so(office: Company) -> None:
    from engine import erasure

    campaign(office)
    review(office)
    press(office, "Approve all 4")
    office.pass_time(minutes=6)
    office.pass_time(days=31)
    erasure.erase_due(office.runtime)
    tap(office, "Next ▶")
    assert "erased" in top(office)
    assert "Anna" not in top(office)


@pytest.mark.slow
def test_a_slow_slack_does_not_keep_the_tap_waiting(office: Company) -> None:
    campaign(office)
    review(office)
    office.order("slack", "slow", path="views.update", seconds=4)
    tap(office, "Strike out")
    assert len(rows(office, "select * from deliveries where done_at is not null")) == 1
