"""The evening's outlook as a card, with a button that strikes a line out.

Plain data in, blocks out, within Slack's limits however long the list is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.slack import Block, elements
from engine.slack.card_foot import ANSWER
from engine.slack.text import escape, link, one_line

if TYPE_CHECKING:
    from engine.outlooks import Outlook

LINE = "outlook:"
STRIKE = "strike"
# So many are listed, or as many as fit.
SHOWN = (30, 15, 5, 1)
SCHEDULES_SHOWN = 10
CONFIRM = "The task is cancelled, and nothing of it goes out."


def line_in(token: str) -> str | None:
    """The task that a "strike out" button names; None where the token is another's."""
    return token.removeprefix(LINE) if token.startswith(LINE) else None


def outlook_card(seen: Outlook, *, zone: ZoneInfo, url: str) -> tuple[str, list[Block]]:
    """The notification's text, and the card. `url` is the web's address."""
    to_come = [row for row in seen.lines if row["status"] == "waiting_on_timer"]
    text = f"Until tomorrow night: {len(to_come) + len(seen.scheduled)} to come"
    blocks = elements.fitting(lambda shown: _blocks(seen, zone, url, shown), SHOWN)
    return text, blocks


def _blocks(seen: Outlook, zone: ZoneInfo, url: str, shown: int) -> list[Block]:
    blocks = [elements.header("Until tomorrow night")]
    if seen.scheduled:
        lines = [
            f"• *{moment.astimezone(zone):%a %H:%M}* {escape(one_line(name), 100)} starts"
            for moment, name in seen.scheduled[:SCHEDULES_SHOWN]
        ]
        blocks.append(elements.section("\n".join(lines)))
    blocks += [_line(row, zone, url) for row in seen.lines[:shown]]
    if len(seen.lines) > shown:
        more = f"{len(seen.lines) - shown} more: `bin/engine outlook`, or "
        blocks.append(elements.context(more + link(f"{url}/tasks", "all tasks")))
    return blocks


def _line(row: Mapping[str, Any], zone: ZoneInfo, url: str) -> Block:
    reference = link(f"{url}/tasks/{row['number']}", f"Task {row['number']}")
    name = escape(one_line(row["sop_name"]), 80)
    if row["erased_at"] is not None:
        return elements.section(f"{name} · {reference}: erased")
    who = escape(one_line(row["customer"] or ""), 80)
    what = f"{name} · {who} · {reference}" if who else f"{name} · {reference}"
    if row["status"] == "cancelled":
        return elements.section(f"~{what}~ struck out")
    if row["status"] != "waiting_on_timer" or row["wake_at"] is None:
        return elements.section(what)
    step = escape(one_line(row["step_name"] or "begins"), 80)
    block = elements.section(f"*{row['wake_at'].astimezone(zone):%a %H:%M}* {what}\n{step}")
    value = f"{LINE}{row['id']}"
    button = elements.button("Strike out", f"{ANSWER}:{STRIKE}", value, confirm=CONFIRM)
    return block | {"accessory": button}
