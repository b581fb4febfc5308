"""The Slack port, kept by the Web API adapter: the real SDK against the stand-in, with
the faults that real networks have."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable, VendorError
from engine.settings import Settings
from engine.slack import Message, Posted
from engine.slack.home import home_view
from engine.slack.modals import told_modal
from engine.slack.web_api import SlackWebApi, from_settings
from tests.serving import serve
from tests.world import wait_until
from web.local import LocalSettings, create_local_app
from web.local.slack import views
from web.local.slack.people import OWNER
from web.local.world import Fault, World

LEADS = "#leads-incoming"
HELLO = Message(LEADS, "hello", [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}])
POST = "chat.postMessage"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.sqlite")


@pytest.fixture
def base_url(world: World) -> Iterator[str]:
    with serve(create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))) as url:
        yield f"{url}/slack/api"


@pytest.fixture
def slack(base_url: str) -> SlackWebApi:
    return SlackWebApi("xoxb-local", base_url)


def post(slack: SlackWebApi, message: Message = HELLO, key: str = "k1", timeout: float = 30):
    return slack.post(message, effect_key=key, timeout=timeout)


def find(slack: SlackWebApi, key: str = "k1", channel: str = LEADS, thread: str | None = None):
    return slack.find(channel, thread, key, time.time() - 60, timeout=30)


def posts(world: World) -> list[dict]:
    return [json.loads(row["body"]) for row in world.requests("slack", POST)]


# -- what works -------------------------------------------------------------------


def test_a_post_is_named_by_channel_id_and_ts(slack: SlackWebApi, world: World):
    posted = post(slack)
    assert posted.channel == "C0LEADS"
    (sent,) = posts(world)
    assert sent["metadata"] == {"event_type": "effect", "event_payload": {"effect_key": "k1"}}
    assert sent["unfurl_links"] is False
    assert sent["unfurl_media"] is False
    assert sent["link_names"] is False


def test_two_posts_under_one_key_carry_one_client_msg_id(slack: SlackWebApi, world: World):
    post(slack)
    post(slack)
    first, second = posts(world)
    assert first["client_msg_id"] == second["client_msg_id"]


def test_an_agent_posts_under_its_own_name(slack: SlackWebApi, world: World):
    post(slack, Message(LEADS, "hi", username="Lead response", icon_emoji=":snowflake:"))
    (message,) = world.all("slack_message")
    assert (message["username"], message["icon_emoji"]) == ("Lead response", ":snowflake:")


def test_an_update_replaces_text_and_blocks(slack: SlackWebApi, world: World):
    posted = post(slack)
    slack.update(posted, Message(LEADS, "done"), timeout=5)
    (message,) = world.all("slack_message")
    assert (message["text"], message["blocks"]) == ("done", [])
    assert find(slack) == posted


def test_a_post_is_found_by_its_key(slack: SlackWebApi):
    posted = post(slack)
    post(slack, key="another")
    assert find(slack) == posted
    assert find(slack, channel="C0LEADS") == posted
    assert find(slack, key="unknown") is None


def test_a_reply_is_found_in_its_thread_only(slack: SlackWebApi):
    parent = post(slack)
    reply = post(slack, Message(LEADS, "reply", thread_ts=parent.ts), key="k2")
    assert find(slack, "k2", thread=parent.ts) == reply
    assert find(slack, "k2") is None
    assert find(slack, "k2", thread="1.000001") is None


def test_a_deleted_message_is_gone(slack: SlackWebApi):
    posted = post(slack)
    slack.delete(posted, timeout=2)
    assert find(slack) is None
    with pytest.raises(Refused, match="message_not_found"):
        slack.delete(posted, timeout=2)


def test_a_reply_can_be_shown_in_the_channel_too(slack: SlackWebApi):
    parent = post(slack)
    reply = post(slack, Message(LEADS, "r", thread_ts=parent.ts, broadcast=True), key="k2")
    assert find(slack, "k2") == reply


def test_find_reads_every_page(slack: SlackWebApi, world: World):
    first = post(slack)
    for number in range(230):
        world.put(
            "slack_message",
            f"C0LEADS:{number}",
            {"type": "message", "channel": "C0LEADS", "ts": f"{time.time():.6f}", "text": "."},
        )
    assert find(slack) == first
    assert len(world.requests("slack", "conversations.history")) == 2


def test_find_does_not_look_before_the_span(slack: SlackWebApi):
    post(slack)
    assert slack.find(LEADS, None, "k1", time.time() + 60, timeout=5) is None


def test_channel_names_are_looked_up_once(slack: SlackWebApi, world: World):
    assert find(slack) is None
    assert find(slack) is None
    assert len(world.requests("slack", "conversations.list")) == 1


def test_a_channel_is_made_and_joined_when_setting_up(slack: SlackWebApi):
    made = slack.channels.prepare("#snow-crew", timeout=5)
    assert slack.channels.prepare("#snow-crew", timeout=5) == made
    joined = slack.channels.prepare("#general", timeout=5)
    assert post(slack, Message("#general", "hi")).channel == joined


def test_telling_one_person(slack: SlackWebApi, world: World):
    slack.tell("C0LEADS", OWNER, "only you", timeout=5)
    (message,) = world.all("slack_message")
    assert message["ephemeral_to"] == OWNER


def test_a_modal_opens_once_for_each_click(slack: SlackWebApi, world: World):
    trigger = views.new_trigger(world, OWNER)
    view_id = slack.open_view(trigger, told_modal("Title", "words"), timeout=2)
    assert [view["id"] for view in views.opened_by(world, OWNER)] == [view_id]
    with pytest.raises(Refused) as refused:
        slack.open_view(trigger, told_modal("Title", "words"), timeout=2)
    assert refused.value.facts["error"] == "exchanged_trigger_id"


def test_modals_stand_on_top_of_each_other_three_at_most(slack: SlackWebApi, world: World):
    def push() -> str:
        trigger = views.new_trigger(world, OWNER)
        return slack.push_view(trigger, told_modal("Above", "words"), timeout=2)

    with pytest.raises(Refused):
        push()
    below = slack.open_view(views.new_trigger(world, OWNER), told_modal("T", "words"), timeout=2)
    above = push()
    assert [view["id"] for view in views.opened_by(world, OWNER)] == [below, above]
    assert views.opened_by(world, OWNER)[1]["previous_view_id"] == below
    push()
    with pytest.raises(Refused) as refused:
        push()
    assert refused.value.facts["error"] == "push_limit_reached"


def test_a_modal_is_changed_as_long_as_it_is_what_was_seen(slack: SlackWebApi, world: World):
    view_id = slack.open_view(views.new_trigger(world, OWNER), told_modal("T", "one"), timeout=2)
    [seen] = [view["hash"] for view in views.opened_by(world, OWNER)]
    slack.update_view(view_id, told_modal("T", "two"), seen=seen, timeout=2)
    with pytest.raises(Refused) as refused:
        slack.update_view(view_id, told_modal("T", "three"), seen=seen, timeout=2)
    assert refused.value.facts["error"] == "hash_conflict"
    assert "two" in str(views.opened_by(world, OWNER))
    slack.update_view(view_id, told_modal("T", "four"), timeout=2)
    assert "four" in str(views.opened_by(world, OWNER))


def test_the_home_tab_is_published(slack: SlackWebApi, world: World):
    slack.publish_home(OWNER, home_view([]), timeout=5)
    assert views.home_of(world, OWNER) is not None


def test_whoami(slack: SlackWebApi):
    me = slack.whoami(timeout=5)
    assert me["team_id"] == "T0LOCAL"
    assert me["user_id"]
    assert me["bot_id"]


def test_many_threads_share_one_adapter(slack: SlackWebApi, world: World):
    with ThreadPoolExecutor(8) as threads:
        posted = list(threads.map(lambda n: post(slack, key=f"k{n}"), range(40)))
    assert len({one.ts for one in posted}) == 40
    assert len(posts(world)) == 40


def test_it_is_made_from_settings(base_url: str):
    settings = Settings(slack_bot_token="xoxb-1", slack_base_url=base_url)  # type: ignore[arg-type]
    assert from_settings(settings).whoami(timeout=5)["team_id"] == "T0LOCAL"


# -- what goes wrong ----------------------------------------------------------------


def test_a_lost_answer_is_in_doubt_sent_once_and_found(slack: SlackWebApi, world: World):
    world.order(Fault("slack", "drop_after", path=POST))
    with pytest.raises(Ambiguous):
        post(slack)
    assert len(posts(world)) == 1
    assert find(slack) is not None


def test_a_dropped_request_is_in_doubt_and_not_found(slack: SlackWebApi, world: World):
    world.order(Fault("slack", "drop_before", path=POST))
    with pytest.raises(Ambiguous):
        post(slack)
    assert len(posts(world)) == 1
    assert find(slack) is None


def test_a_slow_answer_is_in_doubt_and_found_later(slack: SlackWebApi, world: World):
    world.order(Fault("slack", "slow", path=POST, seconds=1.0))
    with pytest.raises(Ambiguous) as ambiguous:
        post(slack, timeout=0.3)
    assert "timeout" in str(ambiguous.value)
    wait_until(lambda: find(slack), seconds=30)
    assert len(posts(world)) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "<html>oops</html>"),
        (503, ""),
        (200, '{"ok": true, "chan'),
        (200, "[]"),
        (200, "[1]"),
        (200, '{"ok": true}'),
        (200, '{"ok": false, "error": "internal_error"}'),
        (200, '{"ok": false, "error": "fatal_error"}'),
    ],
)
def test_a_post_without_a_clear_answer_is_in_doubt(
    slack: SlackWebApi, world: World, status: int, body: str
):
    world.order(Fault("slack", "answer", path=POST, status=status, body=body))
    with pytest.raises(Ambiguous) as ambiguous:
        post(slack)
    assert "html" not in str(ambiguous.value)


@pytest.mark.parametrize("status", [500, 200])
def test_an_update_may_always_be_repeated(slack: SlackWebApi, world: World, status: int):
    posted = post(slack)
    world.order(Fault("slack", "answer", path="chat.update", status=status, body="<html>"))
    with pytest.raises(Unreachable):
        slack.update(posted, HELLO, timeout=5)


def test_a_read_may_always_be_repeated(slack: SlackWebApi, world: World):
    world.order(Fault("slack", "drop_after", path="conversations.history"))
    with pytest.raises(Unreachable):
        find(slack)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "17"}, 17.0), ({}, 5.0), ({"Retry-After": "soon"}, 5.0)],
)
def test_slack_asks_us_to_wait(
    slack: SlackWebApi, world: World, headers: dict[str, str], seconds: float
):
    body = '{"ok": false, "error": "ratelimited"}'
    world.order(Fault("slack", "answer", path=POST, status=429, headers=headers, body=body))
    with pytest.raises(RateLimited) as limited:
        post(slack)
    assert limited.value.retry_after == seconds
    assert len(posts(world)) == 1


def test_a_limit_told_with_status_200_is_a_limit(slack: SlackWebApi, world: World):
    body = '{"ok": false, "error": "ratelimited"}'
    world.order(Fault("slack", "answer", path=POST, status=200, body=body))
    with pytest.raises(RateLimited):
        post(slack)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Message("#nowhere", "hi"), "channel_not_found"),
        (Message("#general", "hi"), "not_in_channel"),
        (Message(LEADS, ""), "no_text"),
        (Message(LEADS, "hi", thread_ts="1.000001"), "thread_not_found"),
        (Message(LEADS, "x", [{"type": "divider"}] * 51), "invalid_blocks"),
        (Message(LEADS, "x", [{"type": "carousel"}]), "invalid_blocks"),
    ],
)
def test_slack_refuses_by_name(slack: SlackWebApi, message: Message, code: str):
    with pytest.raises(Refused) as refused:
        post(slack, message)
    assert refused.value.facts["error"] == code
    assert code in str(refused.value)


def test_an_update_of_what_is_gone_is_refused(slack: SlackWebApi):
    with pytest.raises(Refused) as refused:
        slack.update(Posted("C0LEADS", "1.000001"), HELLO, timeout=5)
    assert refused.value.facts["error"] == "message_not_found"


@pytest.mark.parametrize("token", ["", "xoxb-revoked", "something-else"])
def test_a_bad_token_is_named(base_url: str, token: str):
    with pytest.raises(Unauthorised):
        post(SlackWebApi(token, base_url))


def test_a_missing_scope_is_named(slack: SlackWebApi, world: World):
    body = '{"ok": false, "error": "missing_scope", "needed": "chat:write"}'
    world.order(Fault("slack", "answer", path=POST, status=200, body=body))
    with pytest.raises(Unauthorised):
        post(slack)


def test_nobody_listening_took_nothing():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable):
        post(SlackWebApi("xoxb-local", f"http://127.0.0.1:{port}/"))


def test_a_name_that_does_not_resolve_took_nothing():
    with pytest.raises(Unreachable):
        post(SlackWebApi("xoxb-local", "http://slack.invalid/api"))


def test_a_server_that_hangs_up_in_the_middle_leaves_it_in_doubt():
    def hang_up(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Ambiguous):
            post(SlackWebApi("xoxb-local", url))


def test_no_reply_of_slack_reaches_a_log(
    slack: SlackWebApi, world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    post(slack, Message(LEADS, "for Mike Larsen"))
    world.order(Fault("slack", "answer", path=POST, status=200, body="<html>Mike Larsen"))
    with pytest.raises(VendorError):
        post(slack, Message(LEADS, "for Mike Larsen"))
    assert "Mike Larsen" not in caplog.text
