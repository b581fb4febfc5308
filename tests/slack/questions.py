"""Questions for tests: one as it comes in real life, and any that could ever be stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from engine.slack import card_state

AT = datetime(2026, 11, 19, 17, 0, tzinfo=UTC)


def option(value: str, label: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "label": label, "style": None, "confirm": None, "form": None} | more


def approval(**more: Any) -> dict[str, Any]:
    body = "Hi Mike,\n\nthank you for writing. Would Thursday at 3 pm suit you?\n\nChris"
    question = {
        "kind": "approval",
        "title": "Reply to Mike Larsen",
        "why": "New mail · New lead response v3 · step draft_reply",
        "agent": {"name": "Lead response", "icon": ":snowflake:"},
        "tier": 1,
        "model": "small-model",
        "confidence": 0.91,
        "history": "Earlier: nothing.",
        "if_silent": "If nobody answers by Thu 17:00: reminder; nothing is sent.",
        "mail": {
            "from": "Snow & Sons <office@snow.example>",
            "to": "mike@example.com",
            "to_name": "Mike Larsen",
            "subject": "Re: Quote",
            "body": body,
            "footer": "1200 Example Street, Minneapolis",
        },
        "quoted": "What would plowing cost?",
        "facts": [["City", "Edina"]],
        "notes": [],
        "options": [
            option("send", "Send as is", style="primary"),
            option("edit", "Edit first", form="edit"),
            option("reject", "Don't send", style="danger", form="reason"),
        ],
        "fields": [
            {"key": "draft_body", "label": "Text", "multiline": True, "value": body}
            | {"optional": False}
        ],
    }
    return question | more


# Short, long, and such as hit where it hurts: markup, entities, signs of two units.
nasty = st.sampled_from(
    [
        "<!channel>",
        "<!here|here>",
        "@channel",
        "&amp;",
        "<https://evil.example|bank>",
        "😀",
        "\n",
        "*bold*",
        "```",
        "\x00",
        "\u202e",
        "A" * 3001,
        "&" * 900,
        "ж" * 4000,
        " ",
        "",
    ]
)
words = st.builds(
    lambda parts, times: ("".join(parts) * times)[:20_000],
    st.lists(st.text() | nasty, max_size=4),
    st.sampled_from([1, 1, 1, 30, 400]),
)
maybe = st.none() | words

options = st.lists(
    st.fixed_dictionaries(
        {
            "value": st.text(max_size=90) | st.sampled_from(["send", "edit", "reject"]),
            "label": words,
            "style": st.sampled_from([None, "primary", "danger", "odd"]),
            "confirm": maybe,
            "form": st.sampled_from([None, "edit", "reason", "reply"]),
        }
    ),
    max_size=130,
)
fields = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.text(min_size=1, max_size=100),
            "label": words,
            "multiline": st.booleans(),
            "value": words,
            "optional": st.booleans(),
        }
    ),
    max_size=8,
    unique_by=lambda field: field["key"],
)
mails = st.none() | st.fixed_dictionaries(
    dict.fromkeys(("from", "to", "to_name", "subject", "body", "footer"), words)
)
questions = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["approval", "choice", "handover", "in_doubt", "escalation", "?"]),
        "title": words,
        "why": words,
        "tier": st.none() | st.integers(0, 3),
        "model": maybe,
        "confidence": st.none() | st.floats(0, 1),
        "history": words,
        "if_silent": words,
        "mail": mails,
        "quoted": maybe,
        "facts": st.lists(st.tuples(words, words), max_size=60),
        "notes": st.lists(words, max_size=5),
        "options": options,
        "fields": fields,
    }
)
states = st.one_of(
    st.just(card_state.Open()),
    st.builds(card_state.Editing, words, st.just(AT)),
    st.builds(card_state.Undo, words, st.just(AT), st.integers(0, 300), words),
    st.builds(card_state.Answered, words, st.just(AT), words),
    st.builds(card_state.Sent, words, st.just(AT), words),
    st.builds(card_state.Expired, st.just(AT)),
    st.builds(card_state.Cancelled, st.just(AT), words),
    st.just(card_state.Erased()),
)
