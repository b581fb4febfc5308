"""Modals inside Slack's request: opened, put on top of another, changed.

The trigger that allows a modal lives three seconds, and Slack waits no longer for the
answer to a click, which may have been stored before.
"""

from __future__ import annotations

import structlog

from engine import failpoints
from engine.errors import VendorError
from engine.runtime import Runtime
from engine.slack.interactions import Click
from engine.slack.modals import View

SHOW_SECONDS = 2.0
CHANGE_SECONDS = 1.5
log = structlog.get_logger()


def show(runtime: Runtime, click: Click, view: View, *, seconds: float = SHOW_SECONDS) -> None:
    """Opened, or put on top where the click was in a modal; raises a VendorError."""
    put = runtime.slack.push_view if click.in_modal else runtime.slack.open_view
    failpoints.reach("call:slack:open_view:before")
    put(click.trigger_id, view, timeout=seconds)
    failpoints.reach("call:slack:open_view:after")


def change(runtime: Runtime, view_id: str, view: View, *, seen: str = "") -> None:
    """`seen` is the hash of what the click was made on: a page that has been turned since
    stays as it is. Nothing depends on it; who sees the old page may turn it again."""
    try:
        failpoints.reach("call:slack:update_view:before")
        runtime.slack.update_view(view_id, view, seen=seen, timeout=CHANGE_SECONDS)
        failpoints.reach("call:slack:update_view:after")
    except VendorError as error:
        log.info("view_not_changed", code=error.code, detail=error.detail)
