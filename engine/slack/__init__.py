"""The port to Slack: post, change, find again, and open a modal.

`web_api.py` is the vendor, `blocks.py` draws cards. A post is an effect and goes
through the gate in `engine/effects.py`; it carries its effect key as message metadata,
so that a post whose outcome is unknown can be found again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in a channel. `text` is what a phone's notification shows
    and must be given even where there are blocks."""

    channel: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    username: str | None = None
    icon_emoji: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands: the channel's id and the message's timestamp, which
    together are its name."""

    channel: str
    ts: str


class Slack(Protocol):
    """Every method raises RateLimited, Unreachable, Ambiguous, Unauthorised or Refused,
    whose detail is Slack's own error code (`channel_not_found`, `invalid_blocks`, …)."""

    def prepare(self, timeout: float) -> None:
        """Make what a first call would have to make."""
        ...

    def post(self, message: Message, *, effect_key: str, timeout: float) -> Posted: ...

    def update(self, posted: Posted, message: Message, *, timeout: float) -> None: ...

    def delete(self, posted: Posted, *, timeout: float) -> None:
        """Take a message of ours away. Refused (`message_not_found`) where it is gone."""
        ...

    def find(
        self, channel: str, thread_ts: str | None, effect_key: str, since: float, *, timeout: float
    ) -> Posted | None:
        """The message that carries this effect key, looked for from `since` (epoch
        seconds) on; None where the whole span was read and it is not there."""
        ...

    def tell(self, channel: str, user: str, text: str, *, timeout: float) -> None:
        """Say something that only `user` sees."""
        ...

    def open_view(self, trigger_id: str, view: dict[str, Any], *, timeout: float) -> str:
        """Open a modal; returns its view id. Must happen within 3 s of the click."""
        ...

    def push_view(self, trigger_id: str, view: dict[str, Any], *, timeout: float) -> str:
        """Put a modal on top of the one that was clicked in; three may stand there."""
        ...

    def update_view(
        self, view_id: str, view: dict[str, Any], *, seen: str = "", timeout: float
    ) -> None:
        """Change a modal that is open. With `seen`, the hash of what somebody has before
        their eyes, Refused (`hash_conflict`) where it was changed meanwhile."""
        ...

    def publish_home(self, user: str, view: dict[str, Any], *, timeout: float) -> None: ...

    def whoami(self, *, timeout: float) -> dict[str, str]:
        """auth.test: team_id, team, user_id, bot_id."""
        ...
