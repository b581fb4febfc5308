"""The readable text of a message and the list of what is attached to it.

Of alternatives the plain text is taken, unless it is empty; of several text parts in a
row, which mailers make of a text with pictures, all. An attached message is an
attachment, unless it is all there is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.mail.charsets import decode
from engine.mail.markup import looks_like_html, to_text
from engine.mail.mime import Part, parse

RAW_LIMIT = 2 * 1024 * 1024
"""Of one text part, in raw bytes; nobody writes more, and it bounds what a mail may cost."""
PAGE_LIMIT = 400_000
ATTACHMENTS_LIMIT = 50
READABLE = {"text/plain", "text/html", "text/enriched", "text/markdown"}


@dataclass
class Body:
    text: str = ""
    attachments: list[tuple[str, str, int]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


def read_body(message: Part) -> Body:
    body = Body()
    body.text = _collect(message, body)
    if not _says_something(body.text):
        body.text = _last_resort(message) or body.text
    body.attachments = body.attachments[:ATTACHMENTS_LIMIT]
    return body


def _collect(part: Part, body: Body) -> str:
    if not part.parts:
        if _is_attachment(part):
            body.attachments.append((part.filename, part.kind[:100], part.size()))
            return ""
        return _leaf_text(part, body)
    texts = [(child, _collect(child, body)) for child in part.parts]
    texts = [(child, text) for child, text in texts if _says_something(text)]
    if not texts:
        return ""
    if part.kind == "multipart/alternative":
        plain = next((text for child, text in texts if _is_plain(child)), None)
        return plain if plain is not None else texts[-1][1]
    if part.kind == "multipart/related":
        return texts[0][1]
    return "\n\n".join(text for _, text in texts)


def _is_plain(part: Part) -> bool:
    return part.kind == "text/plain" or any(_is_plain(child) for child in part.parts)


def _is_attachment(part: Part) -> bool:
    if part.kind.startswith("multipart/"):
        return False  # a broken one, in which no parts were found: its body may be readable
    return part.kind not in READABLE or part.disposition == "attachment" or bool(part.filename)


def _leaf_text(part: Part, body: Body) -> str:
    text = decode(part.content(RAW_LIMIT), part.charset)
    if part.end - part.start > RAW_LIMIT:
        body.defects.append("text_cut")
    if part.kind in {"text/html", "text/enriched"} or looks_like_html(text):
        if len(text) > PAGE_LIMIT:
            body.defects.append("text_cut")
        return to_text(text[:PAGE_LIMIT])
    return text.strip("\n")


def _last_resort(part: Part) -> str:
    """Where no part is meant to be read: a text that came as a file, an attached message."""
    for child in part.parts or [part]:
        if child.parts:
            text = _last_resort(child)
        elif child.kind in READABLE:
            text = _leaf_text(child, Body())
        elif child.kind == "message/rfc822":
            text = _collect(parse(child.content(RAW_LIMIT)), Body())
        else:
            text = ""
        if _says_something(text):
            return text
    return ""


def _says_something(text: str) -> bool:
    return any(sign.isalnum() for sign in text)
