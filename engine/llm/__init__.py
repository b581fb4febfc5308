"""The port to the language model: one prompt in, one reply out, nothing else.

`claude.py` is the vendor. Which model a tier is, what it costs and when to go up a
tier is `tiers.py`; what a step asks for is in `engine/steps/`. A model call is not an
effect: it may be repeated, at a price.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Stop = Literal["end_turn", "max_tokens", "refusal", "other"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given. No tools, ever.

    `system` is the part that stays the same from task to task (the agent's role and the
    SOP) and is cached by the vendor; `user` is this step's text; `schema` is the JSON
    schema of the one object that the reply must be.
    """

    system: str
    user: str
    schema: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the vendor counted them. `tokens_in` excludes what was read from or
    written to the cache."""

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    tokens_cache_written: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's reply as text (to be validated by the caller) and what it used up."""

    text: str
    model: str
    usage: Usage
    stop: Stop
    request_id: str = ""


class LLM(Protocol):
    def reply(self, prompt: Prompt, *, model: str, max_tokens: int, timeout: float) -> Reply:
        """Ask once. `timeout` is in seconds.

        Raises RateLimited (429, 529: with the vendor's Retry-After), Unreachable (no
        connection, 5xx), Ambiguous (no answer in time), Unauthorised, Refused (400).
        A reply that was cut off or refused by the model is a Reply: it was paid for.
        """
        ...
