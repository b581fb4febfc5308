"""The person of a storm: answers every question, by clicks in Slack where the card is
there, twice now and then, or the wrong button first whose click arrives last; rules on
doubts by looking. What they decide follows from the seed and the question alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from engine.demo import OWNER_SLACK_ID
from engine.errors import AlreadyAnswered, TaskClosed
from engine.postgres import DATABASE_DOWN
from engine.questions import Question
from tests.chaos.stage import Stage
from web.local import LocalSettings
from web.local.slack.inputs import NothingThere
from web.local.slack.interactions import EngineReply, Hand

FORM = "application/x-www-form-urlencoded"
# What is pressed on a card, and what is not meant.
BUTTONS = {
    "Reply to a new lead": ("Send as is", ""),
    "Shall we go on?": ("Go on", "Leave it"),
}
# At the tiers' cap a person says what the model would have.
WANTED = ("new_lead", "good", "write", "use", "supply", "sent")
PRESS_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Courier(Hand):
    """A hand whose clicks may wait in somebody's network. With `held` they are put there."""

    held: list[tuple[str, bytes, str]] | None = None

    def _post(self, where: str, body: bytes, content_type: str = FORM) -> EngineReply:
        if self.held is not None:
            self.held.append((where, body, content_type))
            return EngineReply(200)
        return Hand._post(self, where, body, content_type)

    def deliver(self, click: tuple[str, bytes, str]) -> None:
        Hand._post(self, *click)


@dataclass
class Person:
    stage: Stage
    engine_url: str
    seed: int
    # The keys of effects that had not arrived and were not to be made again.
    dropped: set[str] = field(default_factory=set)
    doubts: int = 0
    clicks: int = 0
    _pressed: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Answer whatever is open now."""
        try:
            asked = self.stage.open_questions()
        except DATABASE_DOWN:
            return
        for row in asked:
            try:
                self._answer(row, row["question"])
            except (AlreadyAnswered, NothingThere, TaskClosed, *DATABASE_DOWN):
                # Answered by a click that is on its way, or to be tried once more.
                continue

    def _answer(self, row: dict[str, Any], question: Question) -> None:
        if question["resolves"] == "effect":
            self._rule(row, question)
        elif question["resolves"] == "failure":
            given_up = "dropped" in (row["error"] or "")
            self.stage.answer(question, "skip" if given_up else "retry")
        elif question["title"] in BUTTONS:
            if row["ts"] is not None:
                self._press(row, question)
        else:
            values = [option["value"] for option in question["options"]]
            choice = next((value for value in WANTED if value in values), values[0])
            fields = {one["key"]: one["value"] or "none" for one in question["fields"]}
            self.stage.answer(question, choice, **fields)

    def _rule(self, row: dict[str, Any], question: Question) -> None:
        key = question["effect_key"]
        ruling = self.stage.truth(key)
        if (
            ruling == "send"
            # Without their customer the steps behind it could only fail, however often tried.
            and not key.endswith(".upsert_lead")
            and self._chance(row, question).random() < 0.3
        ):
            ruling = "drop"
            # Noted first: the answer may be committed and its reply lost.
            self.dropped.add(key)
        else:
            self.dropped.discard(key)
        self.stage.answer(question, ruling)
        self.doubts += 1

    def _press(self, row: dict[str, Any], question: Question) -> None:
        """Press; where nothing has come of it after a while, once more."""
        token = question["token"]
        if time.monotonic() - self._pressed.get(token, -PRESS_AGAIN_SECONDS) < PRESS_AGAIN_SECONDS:
            return
        self._pressed[token] = time.monotonic()
        meant, other = BUTTONS[question["title"]]
        chance = self._chance(row, question)
        hand = self._hand()
        late = self._held(row, other) if other and chance.random() < 0.3 else None
        for _ in range(chance.choice((1, 1, 2))):
            self.clicks += 1
            hand.press(row["posted_channel"], row["ts"], label=meant)
        if late is not None:
            hand.deliver(late)
            hand.deliver(late)

    def _held(self, row: dict[str, Any], label: str) -> tuple[str, bytes, str]:
        held: list[tuple[str, bytes, str]] = []
        self._hand(held).press(row["posted_channel"], row["ts"], label=label)
        return held[0]

    def _hand(self, held: list[tuple[str, bytes, str]] | None = None) -> Courier:
        settings = LocalSettings(engine_url=self.engine_url)
        stage = self.stage
        return Courier(stage.local, settings, stage.local_url, OWNER_SLACK_ID, held)

    def _chance(self, row: dict[str, Any], question: Question) -> Random:
        about = row["context"].get("customer_name", "")
        return Random(f"{self.seed} {about} {question['title']} {question['visit']}")
