"""The reminder of unanswered questions as a message: each by its title, with a link.

Plain data in, blocks out. It names what waits, so it is empty once everything is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.moments import moment
from engine.slack import Block, elements
from engine.slack.text import clip, counted, escape, link, one_line

if TYPE_CHECKING:
    from engine.reminders import Line

SHOWN = 15
OVER = "Over: everything that this reminded of is answered, or has expired."


def reminder_card(lines: Sequence[Line], *, zone: ZoneInfo, url: str) -> tuple[str, list[Block]]:
    """The notification's text, and the card. `url` is the web's address."""
    if not lines:
        return OVER, [elements.section(OVER)]
    text = _text(lines, zone)
    shown = [_line(line, zone, url) for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"• {link(f'{url}/inbox', f'{len(lines) - SHOWN} more in the inbox')}")
    return text, [elements.section(f"*{escape(text)}*"), *elements.sections(shown)]


def _text(lines: Sequence[Line], zone: ZoneInfo) -> str:
    """Without a customer's name: a notification stays on the phone."""
    first, total = lines[0], sum(line.count for line in lines)
    if len(lines) > 1:
        return f"{total} questions still wait for an answer"
    until = f", until {moment(first.until, zone)}" if first.until else ""
    if first.batch_id is None:
        return f"Task {first.number} still waits for an answer{until}."
    verb = "waits" if total == 1 else "wait"
    return f"{counted(total, 'draft')} of {one_line(first.title)} still {verb}{until}."


def _line(line: Line, zone: ZoneInfo, url: str) -> str:
    title = clip(one_line(line.title), 120)
    until = f"until {moment(line.until, zone)}" if line.until else "stays open"
    if line.batch_id is not None:
        where = link(f"{url}/batches/{line.batch_id}", f"{title}: {counted(line.count, 'draft')}")
        return f"• {where} · {until}"
    return f"• {link(f'{url}/tasks/{line.number}', title)} · task {line.number} · {until}"
