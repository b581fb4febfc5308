"""The step types: a dict written by hand. The type in an SOP is the name of the file."""

from __future__ import annotations

from typing import Any

from engine.steps import (
    api_call,
    enqueue_next,
    for_each,
    llm_analyze,
    llm_classify,
    llm_decide,
    llm_draft,
    query,
    slack_ask_human,
    slack_notify,
    wait,
)

STEP_TYPES: dict[str, Any] = {
    "query": query,
    "api_call": api_call,
    "llm_classify": llm_classify,
    "llm_draft": llm_draft,
    "llm_decide": llm_decide,
    "llm_analyze": llm_analyze,
    "slack_notify": slack_notify,
    "slack_ask_human": slack_ask_human,
    "enqueue_next": enqueue_next,
    "wait": wait,
    "for_each": for_each,
}
