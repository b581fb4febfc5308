"""People and forms at the web process's door, who try again when nobody answers.

Each act returns whether it was acknowledged. One that was acted on, and whose
acknowledgement got lost with the process, is done once more: that is what thumbs,
browsers and form senders do.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from engine import questions, users
from engine.demo import OWNER_SLACK_ID
from tests.chaos.stage import Stage
from web.local import LocalSettings
from web.local.slack import views
from web.local.slack.inputs import NothingThere
from web.local.slack.interactions import Hand
from web.webhooks.leads import sign

Act = Callable[[Stage], bool]


def in_turn(stage: Stage, *acts: Act) -> bool:
    """Each act until it is acknowledged, one after the other; true when all are."""
    done = stage.notes.setdefault("acts", 0)
    while done < len(acts):
        try:
            if not acts[done](stage):
                return False
        except httpx.HTTPError:
            return False
        done = stage.notes["acts"] = done + 1
    return True


def web_url(stage: Stage) -> str:
    return stage.environment["WEB_BASE_URL"]


# -- the company's form ------------------------------------------------------------------


def send_form(stage: Stage, form: dict[str, str]) -> bool:
    body = json.dumps(form).encode()
    secret = stage.environment["WEBHOOK_SECRET"]
    headers = {"X-Engine-Signature": sign(secret, int(time.time()), body)}
    url = f"{web_url(stage)}/webhooks/leads"
    return httpx.post(url, content=body, headers=headers, timeout=10).status_code == 202


# -- a thumb in Slack --------------------------------------------------------------------


def hand(stage: Stage, who: str = OWNER_SLACK_ID) -> Hand:
    settings = LocalSettings(engine_url=web_url(stage))
    return Hand(stage.local, settings, stage.local_url, who)


def press(stage: Stage, title: str, label: str, *, who: str = OWNER_SLACK_ID) -> bool:
    """A button of the card that asks this, as soon as it has one."""
    card = _card(stage, title)
    if card is None:
        return False
    try:
        pressed = hand(stage, who).press(card["posted_channel"], card["ts"], label=label)
    except NothingThere:
        return False
    return pressed.status == 200


def state(stage: Stage, title: str) -> str:
    """What has become of the question that asks this."""
    rows = stage.rows("select question from tasks where question ->> 'title' = %s", title)
    return rows[0]["question"]["state"] if rows else ""


def decided(stage: Stage, title: str, decide: Act) -> bool:
    """Decide until it holds, also after it was taken back."""
    found = state(stage, title)
    if found in ("open", "editing"):
        decide(stage)
    return found == "answered"


def taken_back(stage: Stage, title: str, undo: Act) -> bool:
    """Take the answer back, unless somebody has, or it is too late."""
    undone = stage.value(
        "select exists (select from task_events where event_type = 'answer_undone')"
    )
    if undone or state(stage, title) == "answered":
        return True
    if state(stage, title) == "undo":
        undo(stage)
    return False


def _card(stage: Stage, title: str) -> dict[str, Any] | None:
    rows = stage.rows(
        "select c.posted_channel, c.ts from cards c join tasks t on t.id = c.task_id"
        " where c.kind = 'question' and c.ts is not null and t.question ->> 'title' = %s",
        title,
    )
    return rows[0] if rows else None


def open_form(stage: Stage, title: str, label: str) -> bool:
    """Press the button until a form stands open."""
    return bool(_form(stage)) or (press(stage, title, label) and bool(_form(stage)))


def send_off(stage: Stage, **values: str) -> bool:
    """The form that stands open; it closes when it is taken."""
    form = _form(stage)
    if form is None:
        return True
    reply, errors = hand(stage).submit(form["id"], values)
    assert not errors, errors
    return reply.status == 200


def _form(stage: Stage) -> dict[str, Any] | None:
    opened = views.opened_by(stage.local, OWNER_SLACK_ID)
    return opened[-1] if opened else None


def command(stage: Stage, name: str, text: str) -> bool:
    return hand(stage).command(name, text, "#ops-log").status == 200


def look_home(stage: Stage) -> bool:
    return hand(stage).open_home().status == 200


# -- a browser ---------------------------------------------------------------------------


class Visitor:
    """Somebody at a browser: keeps cookies, sends each form's token along."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._http = httpx.Client(base_url=web_url(stage), timeout=10)

    def sign_in(self) -> bool:
        """By a new link at each try, for the one who died may have used it up."""
        with self._stage.runtime.database.transaction("link") as conn:
            user = users.get_by_email(conn, "owner@example.com")
            made = users.make_sign_in_link(conn, self._stage.runtime.settings, user.id)
        path = urlsplit(made).path
        return self.post(path, page=path) and self._http.get("/account").status_code == 200

    def sign_out(self) -> bool:
        """Signed out already, the account's page is out of reach."""
        signed_in = self._http.get("/account").status_code == 200
        return not signed_in or self.post("/sign-out")

    def post(self, path: str, *, page: str = "/account", **data: str) -> bool:
        """Acknowledged too where it is too late for it."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self._http.get(page).text)
        assert found, f"{page} has no form"
        return self._http.post(path, data={"csrf_token": found[1], **data}).status_code < 500


def visitor(stage: Stage) -> Visitor:
    """One browser for each story; it keeps its cookies through the deaths."""
    return stage.notes.setdefault("visitor", Visitor(stage))


def answer(stage: Stage, title: str, verb: str, **data: str) -> bool:
    """Answer, undo or edit in the web's inbox the question that asks this."""
    rows = stage.rows("select question from tasks where question ->> 'title' = %s", title)
    if not rows:
        return False
    token = questions.token_of(rows[0]["question"])
    return visitor(stage).post(f"/questions/{token}/{verb}", **data)
