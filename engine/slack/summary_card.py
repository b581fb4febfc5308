"""The evening's summary as a card, with a button for each mail that was taken for spam.

Plain data in, blocks out, within Slack's limits whatever the day was like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.slack import Block, elements
from engine.slack.card_foot import ANSWER
from engine.slack.text import escape, link, one_line

if TYPE_CHECKING:
    from engine.daily_summary import Day

SPAM = "spam:"
NOT_SPAM = "not_spam"
# So many are listed, or as many as fit.
SPAM_SHOWN = (20, 10, 4, 1)
PROCEDURES_SHOWN = 15
OPEN = {
    "escalated": "stuck",
    "waiting_on_timer": "waiting for a time or a vendor",
    "pending": "waiting for their turn",
    "in_progress": "being worked on",
}


def task_in(token: str) -> str | None:
    """The task that a "not spam" button names; None where the token is another's."""
    return token.removeprefix(SPAM) if token.startswith(SPAM) else None


def summary_card(day: Day, *, url: str) -> tuple[str, list[Block]]:
    """The notification's text, and the card. `url` is the web's address."""
    title = f"{day.day:%A} {day.day.day} {day.day:%B}"
    blocks = elements.fitting(lambda shown: _blocks(day, title, url, shown), SPAM_SHOWN)
    return f"{title}: {_plain(day)}", blocks


def _blocks(day: Day, title: str, url: str, shown: int) -> list[Block]:
    blocks = [elements.header(title), elements.section(_happened(day))]
    if day.procedures:
        blocks.append(elements.section(_procedures(day)))
    if day.spam:
        blocks += _spam(day.spam, url, shown)
    if day.open or day.questions:
        blocks += [{"type": "divider"}, elements.section(_open(day, url))]
    return blocks


def _plain(day: Day) -> str:
    came = sum(row["started"] for row in day.procedures)
    if not day.procedures:
        return "nothing happened"
    said = f"{_count(came, 'task')} started, {_count(day.mails, 'mail')} went out"
    return f"{said}, {_count(day.questions, 'question')} open" if day.questions else said


def _happened(day: Day) -> str:
    if not day.procedures:
        return "Nothing happened: no mail came in, and no task was started."
    cost = sum(row["cost_usd"] for row in day.procedures)
    parts = [
        f"*{_count(day.mails, 'mail')}* sent",
        f"*{_count(day.answers, 'question')}* answered",
        f"the models cost *{_dollars(cost)}*",
    ]
    return " · ".join(parts)


def _procedures(day: Day) -> str:
    lines = [f"• {_procedure(row)}" for row in day.procedures[:PROCEDURES_SHOWN]]
    if len(day.procedures) > PROCEDURES_SHOWN:
        lines.append(f"• and {len(day.procedures) - PROCEDURES_SHOWN} more procedures")
    return "\n".join(lines)


def _procedure(row: Mapping[str, Any]) -> str:
    facts = [f"{row['started']} started"] if row["started"] else []
    words = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}
    facts += [f"{row[key]} {word}" for key, word in words.items() if row[key]]
    if row["cost_usd"]:
        facts.append(_dollars(row["cost_usd"]))
    return f"*{escape(one_line(row['sop_name']), 100)}*: {', '.join(facts)}"


def _spam(spam: list[Mapping[str, Any]], url: str, shown: int) -> list[Block]:
    blocks: list[Block] = [{"type": "divider"}]
    blocks.append(elements.section(f"*Taken for spam: {len(spam)}.* Nobody was answered."))
    blocks += [_one(row, url) for row in spam[:shown]]
    if len(spam) > shown:
        blocks.append(
            elements.context(f"{len(spam) - shown} more: {link(f'{url}/tasks', 'all tasks')}")
        )
    return blocks


def _one(row: Mapping[str, Any], url: str) -> Block:
    reference = link(f"{url}/tasks/{row['number']}", f"Task {row['number']}")
    if row["erased_at"] is not None:
        return elements.section(f"{reference}: erased")
    subject = escape(one_line(row["subject"] or "no subject"), 120)
    sender = escape(one_line(row["sender"] or "unknown sender"), 80)
    block = elements.section(f"{subject}\n{sender} · {reference}")
    if row["restarted"]:
        return elements.section(f"{subject}\n{sender} · {reference} · *not spam*, goes on")
    button = elements.button("Not spam", f"{ANSWER}:{NOT_SPAM}", f"{SPAM}{row['id']}")
    return block | {"accessory": button}


def _open(day: Day, url: str) -> str:
    lines = []
    if day.questions:
        asked = _count(day.questions, "question")
        lines.append(f"*{link(f'{url}/inbox', asked)}* open")
    lines += [f"{_count(day.open[s], 'task')} {w}" for s, w in OPEN.items() if day.open.get(s)]
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _dollars(amount: Any) -> str:
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${amount:.4f}"
