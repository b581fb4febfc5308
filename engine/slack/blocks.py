"""A question as a card, and a notice: plain data in, text and blocks out.

Posted when a task asks, redrawn whenever what it says is no longer true. A card is always
drawn whole from the stored question and its state, so any redraw mends it. It names the
question only by its wait token; nothing that a customer wrote stands in a button.

Slack refuses a message whose blocks together are too long (`msg_blocks_too_long`, near
13,200 characters), whatever each of them holds. A card that is too long is drawn again
with less room, and says what is cut and where the rest stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.slack import Block, elements
from engine.slack.card_foot import buttons, foot, headline
from engine.slack.card_state import CardState, Editing, Erased, Open
from engine.slack.text import clip, escape, link, mention, one_line, pieces, units

Question = Mapping[str, Any]
TOKEN_LENGTH = 200
KINDS = {
    "approval": "Approval",
    "choice": "Question",
    "handover": "For a person",
    "to_copy": "To write down",
    "in_doubt": "In doubt",
    "escalation": "Escalation",
}


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a question is drawn. A mail's body may fill several pieces of text."""

    text: int
    facts: int
    options: int
    pieces: int = 1


ROOMS = (
    Room(2900, 20, 100),
    Room(1800, 12, 40),
    Room(900, 6, 20),
    Room(300, 2, 8),
    Room(100, 0, 4),
)


def question_card(
    question: Question,
    *,
    token: str,
    state: CardState,
    task_number: int,
    task_url: str,
    revision: int = 0,
    addressed: Sequence[str] = (),
) -> tuple[str, list[Block]]:
    """The notification's text, and the card. `revision` grows with every redraw; `addressed`
    are the Slack ids of those whom it is for, where it is not for everybody."""
    if not 0 < len(token) <= TOKEN_LENGTH:
        raise ValueError(f"a wait token has 1 to {TOKEN_LENGTH} characters")
    text = f"{headline(state)}{_title(question, state)} (task {task_number})"
    card: list[Block] = []
    for room in ROOMS:
        card = [*content(question, state, room, task_url), *foot(state)]
        card += buttons(question, token, state, room.options, task_url, revision=revision)
        card.append(elements.context(_reference(task_url, task_number, addressed)))
        if elements.size(card) <= elements.MESSAGE_SIZE and len(card) <= elements.MESSAGE_BLOCKS:
            break
    return escape(text, 300), card


def notice(
    text: str, *, more: tuple[str, str] | None = None, footnote: str = ""
) -> tuple[str, list[Block]]:
    """A message that asks nothing. `*bold*` and line breaks work, mentions do not.
    `more` is (address, label) of the page that tells the rest."""
    parts = _paragraphs(text, 2900)
    blocks = [elements.section(escape(part)) for part in parts[:3]]
    if len(parts) > 3:
        blocks.append(elements.context("_The rest is cut._"))
    lines = [link(*more)] if more else []
    lines += [escape(footnote, 500)] if footnote.strip() else []
    if lines:
        blocks.append(elements.context(" · ".join(lines)))
    return escape(text, 1000).strip() or "–", blocks


def _reference(url: str, number: int, addressed: Sequence[str]) -> str:
    """The one place where a card mentions anybody, and only ids from our own list."""
    whom = " ".join(mention(user_id) for user_id in addressed[:5])
    return f"{link(url, f'Task {number}')}" + (f" · for {whom}" if whom else "")


def _title(question: Question, state: CardState) -> str:
    kind = KINDS.get(str(question.get("kind")), "Question")
    title = one_line(str(question.get("title") or ""))
    # A title may name the customer.
    return kind if isinstance(state, Erased) or not title else title


def content(question: Question, state: CardState, room: Room, url: str) -> list[Block]:
    """What a question says, without its foot."""
    blocks = [elements.header(_title(question, state))]
    if isinstance(state, Erased):
        return blocks
    kind = KINDS.get(str(question.get("kind")), "Question")
    why = escape(one_line(str(question.get("why") or "")), min(500, room.text))
    blocks.append(elements.context(f"*{kind}* · {why}" if why else f"*{kind}*"))
    remarks = [str(note) for note in question.get("notes") or [] if str(note).strip()]
    if remarks:
        blocks.append(elements.section(escape("\n".join(remarks), min(1500, room.text))))
    blocks += _quoted(str(question.get("quoted") or ""), room, url)
    blocks += _mail(question.get("mail"), room, url)
    blocks += _facts(question.get("facts") or [], room, url)
    return [*blocks, *_notes(question, state, room)]


def _quoted(quoted: str, room: Room, url: str) -> list[Block]:
    if not quoted.strip():
        return []
    limit = min(1200, room.text)
    label = "*They wrote*"
    if units(quoted) > limit:
        label += f" · {link(url, 'read all of it')}"
    return [elements.context(label), elements.quote(quoted, limit)]


def _mail(mail: Mapping[str, Any] | None, room: Room, url: str) -> list[Block]:
    if not mail:
        return []
    to, to_name = str(mail.get("to") or ""), str(mail.get("to_name") or "")
    recipient = f"{to_name} <{to}>" if to and to_name else to or "not known yet"
    sender = one_line(str(mail.get("from") or ""))
    heads = [
        *([("From", sender)] if sender else []),
        ("To", one_line(recipient)),
        ("Subject", one_line(str(mail.get("subject") or ""))),
    ]
    body, footer = str(mail.get("body") or ""), str(mail.get("footer") or "")
    blocks = [{"type": "divider"}, *elements.pairs(heads, min(500, room.text))]
    if not body.strip():
        # A person is to write it; an empty one with a footer would look like a mistake.
        return [*blocks, {"type": "divider"}]
    blocks += _body(body, room)
    if footer.strip():
        blocks.append(elements.small_words(footer, room.text))
    if units(footer) > room.text or len(pieces(body, room.text)) > room.pieces:
        whole = f"{len(body):,} characters, of which this is the first part"
        blocks.append(elements.context(f"*Cut.* The mail has {whole}: {link(url, 'read it all')}"))
    return [*blocks, {"type": "divider"}]


def _body(body: str, room: Room) -> list[Block]:
    """Whole where there is room for it."""
    if room.pieces == 1:
        return [elements.words(body, room.text)]
    shown = pieces(body, room.text)[: room.pieces]
    return [elements.words(piece.removesuffix("\n"), room.text) for piece in shown]


def _facts(facts: Sequence[Sequence[object]], room: Room, url: str) -> list[Block]:
    rows = [(str(label), str(value)) for label, value in facts]
    blocks = elements.pairs(rows[: room.facts], min(500, room.text))
    if len(rows) > room.facts:
        left = len(rows) - room.facts
        blocks.append(elements.context(f"{left} more: {link(url, 'see them all')}"))
    return blocks


def _notes(question: Question, state: CardState, room: Room) -> list[Block]:
    """Who drafted it and how sure, what was before, what silence would mean while nobody
    has answered."""
    drafted = []
    if question.get("model"):
        drafted.append(f"Drafted by {escape(one_line(str(question['model'])), 100)}")
    if question.get("tier") is not None:
        drafted.append(f"tier {question['tier']}")
    if question.get("confidence") is not None:
        drafted.append(f"confidence {float(question['confidence']):.0%}")
    notes = [" · ".join(drafted)] if drafted else []
    waiting = isinstance(state, Open | Editing)
    for key in ("history", "record", "if_silent") if waiting else ("history",):
        note = str(question.get(key) or "")
        notes += [escape(note, min(600, room.text))] if note.strip() else []
    return [elements.context(note) for note in notes]


def _paragraphs(text: str, limit: int) -> list[str]:
    """Cut at line ends, into pieces that fit a section once they are escaped."""
    pieces, piece = [], ""
    for line in text.splitlines(keepends=True):
        if piece and units(escape(piece + line, 100_000)) > limit:
            pieces.append(piece)
            piece = ""
        piece += line
    return [clip(part, limit) for part in [*pieces, piece] if part.strip()]
