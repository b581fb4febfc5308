"""What a person does in Slack, posted to the engine as Slack posts it.

Signed with the SDK's own signer, form-encoded, three seconds to answer. The page and the
JSON endpoints for tests and walks both come through here, so a walk presses exactly what
a thumb would.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from web.local import LocalSettings
from web.local.engine_calls import engine
from web.local.slack import channels, messages, response_urls, views
from web.local.slack.inputs import NothingThere, filled_in, find_action
from web.local.slack.people import APP, PEOPLE, TEAM_DOMAIN
from web.local.world import World

ANSWER_SECONDS = 3.0
Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineReply:
    """What the engine answered. `status` 0: no answer, and `error` says why."""

    status: int
    body: str = ""
    error: str = ""

    def json(self) -> Doc:
        try:
            parsed = json.loads(self.body or "{}")
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def as_dict(self) -> Doc:
        return asdict(self) | {"ok": 200 <= self.status < 300}


@dataclass(frozen=True, slots=True)
class Hand:
    """One person's hand in the local workspace. `host` is how the engine reaches us."""

    world: World
    settings: LocalSettings
    host: str
    user: str

    def press(
        self,
        channel: str,
        message_ts: str,
        *,
        action_id: str = "",
        label: str = "",
        value: str = "",
    ) -> EngineReply:
        """Press a button of a message, by its action_id or label; or choose in a select,
        by its action_id and the option's value, or by the option's label."""
        found = channels.find(self.world, channel)
        message = found and messages.get(self.world, found["id"], message_ts)
        if not found or not message:
            raise NothingThere("message")
        action = find_action(message.get("blocks") or [], action_id, label, value)
        container = {
            "type": "message",
            "message_ts": message_ts,
            "channel_id": found["id"],
            "is_ephemeral": bool(message.get("ephemeral_to")),
        }
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        return self._act(
            action,
            container=container,
            channel={"id": found["id"], "name": found["name"]},
            message=messages.shown(message, []),
            response_url=response_urls.issue(
                self.world, self.host, found["id"], self.user, message_ts
            ),
        )

    def press_in_view(
        self, view_id: str, *, action_id: str = "", label: str = "", value: str = ""
    ) -> EngineReply:
        """The same in the home tab or in a modal."""
        view = self._view(view_id)
        action = find_action(view["blocks"], action_id, label, value)
        return self._act(action, container={"type": "view", "view_id": view_id}, view=view)

    def submit(self, view_id: str, values: dict[str, str]) -> tuple[EngineReply, dict[str, str]]:
        """Send a modal off, with `values` by block_id or by field key; what is not given
        keeps its initial value. Returns errors by block_id, Slack's own or the engine's."""
        view = self._view(view_id)
        state, errors = filled_in(view["blocks"], values)
        if errors:
            return EngineReply(0, error="not_sent"), errors
        reply = self._interact(
            "view_submission",
            trigger_id=views.new_trigger(self.world, self.user),
            view=view | {"state": {"values": state}},
            response_urls=[],
        )
        if reply.status != 200:
            return reply, {}
        return reply, self._obey(view, reply.json())

    def close(self, view_id: str) -> EngineReply:
        view = self._view(view_id)
        views.close(self.world, view_id)
        if not view.get("notify_on_close"):
            return EngineReply(200)
        return self._interact("view_closed", view=view, is_cleared=False)

    def command(self, command: str, text: str, channel: str) -> EngineReply:
        found = channels.find(self.world, channel)
        if not found:
            raise NothingThere("channel")
        person = PEOPLE[self.user]
        form = {
            "team_id": self.settings.slack_team_id,
            "team_domain": TEAM_DOMAIN,
            "channel_id": found["id"],
            "channel_name": found["name"],
            "user_id": person.id,
            "user_name": person.handle,
            "command": command,
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": response_urls.issue(self.world, self.host, found["id"], self.user),
            "trigger_id": views.new_trigger(self.world, self.user),
        }
        reply = self._post("commands", urlencode(form).encode())
        if reply.status == 200 and reply.body.strip():
            said = reply.json() or {"text": reply.body}
            response_urls.say(self.world, found["id"], self.user, said)
        return reply

    def open_home(self) -> EngineReply:
        """Looking at the home tab is an event; the engine publishes the tab in return."""
        event = {
            "type": "app_home_opened",
            "user": self.user,
            "channel": f"D0{self.user}",
            "tab": "home",
            "event_ts": messages.next_ts(self.world),
        }
        body = {
            "type": "event_callback",
            "team_id": self.settings.slack_team_id,
            "api_app_id": APP,
            "event_id": f"Ev0LOCAL{self.world.next_number('slack_event_id')}",
            "event_time": int(time.time()),
            "event": event,
        }
        return self._post("events", json.dumps(body).encode(), "application/json")

    # -- towards the engine -------------------------------------------------------

    def _act(self, action: Doc, **about: Any) -> EngineReply:
        return self._interact(
            "block_actions",
            trigger_id=views.new_trigger(self.world, self.user),
            state={"values": {}},
            actions=[action | {"action_ts": messages.next_ts(self.world)}],
            **about,
        )

    def _interact(self, kind: str, **about: Any) -> EngineReply:
        person, team_id = PEOPLE[self.user], self.settings.slack_team_id
        payload = {
            "type": kind,
            "user": {
                "id": person.id,
                "username": person.handle,
                "name": person.handle,
                "team_id": team_id,
            },
            "api_app_id": APP,
            "team": {"id": team_id, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
            **about,
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self._post("interactions", body)

    def _post(
        self, where: str, body: bytes, content_type: str = "application/x-www-form-urlencoded"
    ) -> EngineReply:
        timestamp = str(int(time.time()))
        signer = SignatureVerifier(self.settings.slack_signing_secret)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signer.generate_signature(timestamp=timestamp, body=body) or "",
        }
        url = f"{self.settings.engine_url.rstrip('/')}/webhooks/slack/{where}"
        try:
            reply = engine().post(url, content=body, headers=headers, timeout=ANSWER_SECONDS)
        except httpx.TimeoutException:
            return EngineReply(0, error="operation_timeout")
        except httpx.HTTPError as error:
            return EngineReply(0, error=type(error).__name__)
        return EngineReply(reply.status_code, reply.text)

    def _view(self, view_id: str) -> Doc:
        record = views.get(self.world, view_id)
        if record and record["open"] and record["user"] == self.user:
            return record["view"]
        home = views.home_of(self.world, self.user)
        if home and home["id"] == view_id:
            return home
        raise NothingThere("view")

    def _obey(self, view: Doc, order: Doc) -> dict[str, str]:
        """Do with the modal what the engine's answer to its submission says."""
        action = order.get("response_action")
        if action == "errors":
            return {key: str(value) for key, value in (order.get("errors") or {}).items()}
        if action == "update":
            views.replace(self.world, view["id"], order["view"])
        elif action == "push":
            views.open_view(self.world, self.user, order["view"], view["team_id"], on_top=True)
        elif action == "clear":
            views.close_all(self.world, self.user)
        else:
            views.close(self.world, view["id"])
        return {}
