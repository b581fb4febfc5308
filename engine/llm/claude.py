"""The vendor of the LLM port: Claude, by the real SDK.

One call is one HTTP request: the SDK's own retries are off, because a timed-out call
may have been billed and because the SDK sleeps on Retry-After inside the worker's
thread. Retrying, parking and going up a tier are the executor's business.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable, VendorError
from engine.llm import Prompt, Reply, Stop, Usage
from engine.retry_after import retry_after
from engine.settings import Settings

if TYPE_CHECKING:
    from anthropic import Anthropic, APIError
    from anthropic.types import Message

VENDOR = "claude"
CONNECT_SECONDS = 5.0
WAIT_WHEN_LIMITED = 30.0
WAIT_WHEN_OVERLOADED = 15.0
"""Used where a 429 or a 529 comes without Retry-After."""

STOPS: dict[str, Stop] = {
    "end_turn": "end_turn",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "refusal": "refusal",
}


class Claude:
    """Thread-safe. The SDK is imported by the first call and not before: it costs 42 MiB
    and two seconds, which the web process never needs to pay."""

    def __init__(self, *, api_key: str, base_url: str = "") -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._client: Anthropic | None = None
        self._opening = threading.Lock()

    def reply(self, prompt: Prompt, *, model: str, max_tokens: int, timeout: float) -> Reply:
        if not self._api_key:
            raise Unauthorised(VENDOR, "no_api_key")
        client = self._open()

        import anthropic
        import httpx2

        try:
            message = client.messages.create(
                **_request(prompt),
                model=model,
                max_tokens=max_tokens,
                timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
            )
            return _reply(message)
        except anthropic.APIError as error:
            raise _translated(error) from None
        except (ValueError, AttributeError, TypeError):
            # A body that broke off: the SDK parses it without validating, so that this
            # shows as a JSON error or as a message with parts missing. It was paid for,
            # and nobody can say how much.
            raise Ambiguous(VENDOR, "bad_reply") from None

    def _open(self) -> Anthropic:
        with self._opening:
            if self._client is None:
                from anthropic import Anthropic

                self._client = Anthropic(
                    api_key=self._api_key, base_url=self._base_url or None, max_retries=0
                )
            return self._client


def from_settings(settings: Settings) -> Claude:
    return Claude(
        api_key=settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url,
    )


def _request(prompt: Prompt) -> dict[str, Any]:
    # Effort low: at the models' defaults a yes/no answer was seen to cost thousands of
    # thinking tokens, which are billed as output and count against max_tokens.
    output: dict[str, Any] = {"effort": "low"}
    if prompt.schema:
        output["format"] = {"type": "json_schema", "schema": prompt.schema}
    return {
        "system": [{"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": prompt.user}],
        "output_config": output,
    }


def _reply(message: Message) -> Reply:
    # Blocks are picked by type: a thinking block may stand first, or alone.
    text = "".join(block.text for block in message.content if block.type == "text")
    used = message.usage
    return Reply(
        text=text,
        model=str(message.model),
        usage=Usage(
            tokens_in=int(used.input_tokens),
            tokens_out=int(used.output_tokens),
            tokens_cached=int(used.cache_read_input_tokens or 0),
            tokens_cache_written=int(used.cache_creation_input_tokens or 0),
        ),
        stop=STOPS.get(message.stop_reason or "", "other"),
        request_id=message._request_id or "",
    )


def _translated(error: APIError) -> VendorError:
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return _translated_status(error)
    # The SDK hides what broke behind one class; its cause tells whether anything was sent.
    not_sent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
    if isinstance(error.__cause__, not_sent):
        return Unreachable(VENDOR, "no_connection")
    if isinstance(error, anthropic.APITimeoutError):
        return Ambiguous(VENDOR, "timeout")
    if isinstance(error, anthropic.APIConnectionError):
        return Ambiguous(VENDOR, "dropped")
    return Ambiguous(VENDOR, "bad_reply")


def _translated_status(error: Any) -> VendorError:
    status: int = error.status_code
    detail = _code(error.error_code) or _code(error.type) or f"http_{status}"
    headers = error.response.headers
    if status == 429:
        return RateLimited(VENDOR, detail, retry_after=retry_after(headers, WAIT_WHEN_LIMITED))
    if status == 529:
        return RateLimited(VENDOR, detail, retry_after=retry_after(headers, WAIT_WHEN_OVERLOADED))
    if status in (401, 403):
        return Unauthorised(VENDOR, detail)
    if status == 408:
        return Ambiguous(VENDOR, "timeout")
    if status >= 500:
        return Unreachable(VENDOR, detail)
    return Refused(VENDOR, detail)


def _code(text: object) -> str:
    """The vendor's error code if it looks like one: anything longer might quote the prompt."""
    return text if isinstance(text, str) and re.fullmatch(r"[a-z][a-z0-9_.]{1,60}", text) else ""
