"""The Slack stand-in's hands: what they post is what Slack posts, signed, and what the
engine answers is done. A tiny engine stands at the other end and verifies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, request

from engine.slack import Message
from engine.slack.blocks import question_card
from engine.slack.card_state import Open
from engine.slack.home import home_view
from engine.slack.interactions import Click, Closed, Submission, read_interaction
from engine.slack.modals import edit_modal, errors_reply, late_modal, reason_modal, update_reply
from engine.slack.payloads import Command, HomeOpened, read_command, read_event
from engine.slack.verification import verify
from engine.slack.web_api import SlackWebApi
from tests.serving import serve
from tests.slack.questions import approval, option
from web.local import LocalSettings, create_local_app
from web.local.slack import views
from web.local.slack.people import OWNER, PARTNER, STRANGER
from web.local.world import World

SECRET = "test-signing-secret"
TOKEN = "question.token"


@dataclass
class Engine:
    """Reads what comes as the engine would, and answers by `reply`."""

    got: list[Any] = field(default_factory=list)
    reply: Callable[[Any], Any] = lambda _read: ""

    def app(self) -> Flask:
        app = Flask("engine")

        def read(reader: Callable[[], Any]) -> Any:
            verify(SECRET, request.headers, request.get_data(cache=True), time.time())
            self.got.append(reader())
            return self.reply(self.got[-1])

        app.add_url_rule(
            "/webhooks/slack/interactions",
            view_func=lambda: read(lambda: read_interaction(request.form)),
            endpoint="interactions",
            methods=["POST"],
        )
        app.add_url_rule(
            "/webhooks/slack/commands",
            view_func=lambda: read(lambda: read_command(request.form)),
            endpoint="commands",
            methods=["POST"],
        )
        app.add_url_rule(
            "/webhooks/slack/events",
            view_func=lambda: read(lambda: read_event(request.get_data())),
            endpoint="events",
            methods=["POST"],
        )
        return app


@dataclass
class Scene:
    world: World
    url: str
    engine: Engine
    slack: SlackWebApi

    def post(self, what: str, **body: Any) -> dict[str, Any]:
        body = {"user": OWNER} | body
        return httpx.post(f"{self.url}/slack/{what}", json=body, trust_env=False).json()

    def messages(self, channel: str = "C0LEADS", user: str = "") -> list[dict[str, Any]]:
        query = {"channel": channel, "user": user}
        reply = httpx.get(f"{self.url}/slack/_messages", params=query, trust_env=False)
        return reply.json()["messages"]

    def ask(self, **question: Any) -> str:
        text, blocks = question_card(
            approval(**question), token=TOKEN, state=Open(), task_number=7, task_url="http://e/7"
        )
        message = Message("#leads-incoming", text, blocks)
        return self.slack.post(message, effect_key="card", timeout=30).ts

    def press(self, ts: str, **what: Any) -> dict[str, Any]:
        return self.post("_press", channel="leads-incoming", message_ts=ts, **what)

    def open(self, view: dict[str, Any]) -> str:
        trigger = views.new_trigger(self.world, OWNER)
        return self.slack.open_view(trigger, view, timeout=30)

    def open_views(self) -> list[str]:
        return [view["callback_id"] for view in views.opened_by(self.world, OWNER)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    world, engine = World(tmp_path / "world.sqlite"), Engine()
    with ExitStack() as stack:
        engine_url = stack.enter_context(serve(engine.app()))
        settings = LocalSettings(engine_url=engine_url, slack_signing_secret=SECRET)
        url = stack.enter_context(serve(create_local_app(world, settings)))
        yield Scene(world, url, engine, SlackWebApi("xoxb-local", f"{url}/slack/api"))


def test_a_press_is_a_signed_click(scene: Scene):
    ts = scene.ask()
    reply = scene.press(ts, action_id="answer:send", user=PARTNER)
    assert reply == {"ok": True, "status": 200, "body": "", "error": ""}
    (click,) = scene.engine.got
    assert isinstance(click, Click)
    assert (click.token, click.value) == (TOKEN, "send")
    assert (click.user_id, click.team_id) == (PARTNER, "T0LOCAL")
    assert (click.channel, click.message_ts) == ("C0LEADS", ts)


def test_a_button_is_found_by_what_it_says(scene: Scene):
    scene.press(scene.ask(), label="Don't send", user=STRANGER)
    (click,) = scene.engine.got
    assert (click.value, click.user_id) == ("reject", STRANGER)


def test_choosing_in_a_select(scene: Scene):
    ts = scene.ask(options=[option(str(n), f"Choice {n}") for n in range(5)])
    scene.press(ts, action_id="answer", value="3")
    scene.press(ts, label="Choice 4")
    assert [click.value for click in scene.engine.got] == ["3", "4"]


def test_each_press_is_an_occasion_of_its_own(scene: Scene):
    ts = scene.ask()
    scene.press(ts, label="Send as is")
    scene.press(ts, label="Send as is")
    first, second = scene.engine.got
    assert first.key != second.key


@pytest.mark.parametrize("what", [{"label": "No such"}, {"action_id": "answer:none"}, {}])
def test_what_is_not_there_cannot_be_pressed(scene: Scene, what: dict[str, str]):
    reply = scene.press(scene.ask(), **what)
    assert (reply["ok"], reply["error"]) == (False, "no such element")
    assert scene.engine.got == []


def test_the_engines_answer_comes_back(scene: Scene):
    scene.engine.reply = lambda _read: ("busy", 503)
    reply = scene.press(scene.ask(), label="Send as is")
    assert (reply["ok"], reply["status"], reply["body"]) == (False, 503, "busy")


def test_a_form_is_opened_and_sent_off(scene: Scene):
    def opens(read: Any) -> str:
        if isinstance(read, Click):
            scene.slack.open_view(read.trigger_id, edit_modal(approval(), TOKEN), timeout=30)
        return ""

    scene.engine.reply = opens
    scene.press(scene.ask(), label="Edit first")
    assert scene.open_views() == ["edit:edit"]
    view_id = views.opened_by(scene.world, OWNER)[0]["id"]
    reply = scene.post("_submit", view_id=view_id, values={"draft_body": "Hi,\n\n  mine \n"})
    assert reply["ok"]
    submission = scene.engine.got[-1]
    assert isinstance(submission, Submission)
    assert submission.fields == {"draft_body": "Hi,\n\n  mine \n"}
    assert (submission.token, submission.kind) == (TOKEN, "edit")
    assert scene.open_views() == []


def test_what_is_not_changed_is_sent_as_it_was(scene: Scene):
    view_id = scene.open(edit_modal(approval(), TOKEN))
    scene.post("_submit", view_id=view_id)
    assert scene.engine.got[0].fields == {"draft_body": approval()["fields"][0]["value"]}


def test_an_empty_required_field_is_not_sent(scene: Scene):
    view_id = scene.open(edit_modal(approval(), TOKEN))
    reply = scene.post("_submit", view_id=view_id, values={"draft_body": ""})
    assert list(reply["errors"]) == ["field:draft_body"]
    assert scene.engine.got == []


def test_the_engine_can_refuse_a_field(scene: Scene):
    scene.engine.reply = lambda _read: errors_reply({"reason": "Say more."})
    view_id = scene.open(reason_modal(approval(), TOKEN))
    reply = scene.post("_submit", view_id=view_id, values={"reason": "no"})
    assert reply["errors"] == {"field:reason": "Say more."}
    assert scene.open_views() == ["reason:reject"]


def test_the_engine_can_put_another_view_in_its_place(scene: Scene):
    scene.engine.reply = lambda _read: update_reply(late_modal("Sam was first", {"Text": "kept"}))
    view_id = scene.open(reason_modal(approval(), TOKEN))
    scene.post("_submit", view_id=view_id, values={"reason": "no"})
    assert scene.open_views() == ["late"]


def test_a_form_put_away_is_told(scene: Scene):
    scene.post("_close", view_id=scene.open(edit_modal(approval(), TOKEN)))
    (closed,) = scene.engine.got
    assert isinstance(closed, Closed)
    assert (closed.token, scene.open_views()) == (TOKEN, [])


def test_a_form_belongs_to_the_one_who_opened_it(scene: Scene):
    view_id = scene.open(reason_modal(approval(), TOKEN))
    reply = scene.post("_submit", view_id=view_id, values={"reason": "no"}, user=STRANGER)
    assert reply["error"] == "no such view"


def test_a_trigger_is_good_for_three_seconds(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    trigger = views.new_trigger(scene.world, OWNER)
    monkeypatch.setattr(views, "TRIGGER_SECONDS", -1)
    assert views.use_trigger(scene.world, trigger) == ("", "expired_trigger_id")


def test_a_command_is_signed_and_its_answer_shown(scene: Scene):
    scene.engine.reply = lambda _read: {"response_type": "ephemeral", "text": "3 procedures"}
    reply = scene.post("_command", command="/sop", text="list", channel="ops-log")
    assert reply["ok"]
    (command,) = scene.engine.got
    assert isinstance(command, Command)
    assert (command.command, command.text, command.channel) == ("/sop", "list", "C0OPSLOG")
    assert [m["text"] for m in scene.messages("C0OPSLOG", user=OWNER)] == ["3 procedures"]
    assert scene.messages("C0OPSLOG", user=PARTNER) == []


def test_a_later_answer_goes_to_the_response_url(scene: Scene):
    scene.post("_command", command="/sop", text="status")
    url = scene.engine.got[0].response_url
    said = {"response_type": "in_channel", "text": "all quiet"}
    assert httpx.post(url, json=said, trust_env=False).status_code == 200
    assert [m["text"] for m in scene.messages()] == ["all quiet"]


def test_looking_at_home_publishes_it(scene: Scene):
    def publish(read: Any) -> str:
        assert isinstance(read, HomeOpened)
        scene.slack.publish_home(read.user_id, home_view([]), timeout=30)
        return ""

    scene.engine.reply = publish
    assert scene.post("_home")["ok"]
    assert views.home_of(scene.world, OWNER)


def test_the_page_learns_of_every_change(scene: Scene):
    def state(**query: str) -> httpx.Response:
        query = {"user": OWNER, "channel": "C0LEADS"} | query
        return httpx.get(f"{scene.url}/slack/_state", params=query, trust_env=False)

    scene.ask()
    first = state().json()
    assert len(first["messages"]) == 1
    assert state(version=str(first["version"])).status_code == 204
    scene.open(reason_modal(approval(), TOKEN))
    second = state(version=str(first["version"])).json()
    assert [view["callback_id"] for view in second["views"]] == ["reason:reject"]


def test_nothing_is_ever_deduplicated(scene: Scene):
    scene.ask()
    scene.ask()
    assert len(scene.messages()) == 2
