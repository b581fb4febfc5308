"""HTML of a mail becomes the text that a person would have seen.

The standard library's parser needs minutes for a hostile page of unclosed comments, so
the tags are found here, in one pass that never looks at a character more than a few
times. What nobody sees (scripts, styles, hidden preheaders) is dropped: it is also where
instructions to a model are hidden. Quotes become lines with `>`, links keep their address.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

TAG = re.compile(
    r"""<(/?)([a-zA-Z][\w:.-]{0,40})((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>"""  # quotes closed
    r"""|<(/?)([a-zA-Z][\w:.-]{0,40})([^<>]*)>"""
)
ATTRIBUTE = r"""\b%s\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)"""
HREF = re.compile(ATTRIBUTE % "href", re.IGNORECASE)
ALT = re.compile(ATTRIBUTE % "alt", re.IGNORECASE)
HIDDEN = re.compile(r"style\s*=[^<>]{0,500}?display\s*:\s*none", re.IGNORECASE)
UNSEEN = {"script", "style", "head", "title", "template", "noscript", "object", "svg"}
BLOCKS = {"p", "div", "table", "ul", "ol", "dl", "form", "section", "article", "header", "footer"}
BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "address", "center", "main"}
LINES = {"tr", "li", "dt", "dd", "option", "legend", "fieldset", "caption", "hr"}
CELLS = {"td", "th"}
VOID = {"br", "img", "hr", "input", "meta", "link", "area", "base", "col", "wbr", "source"}


def to_text(page: str) -> str:
    text, complete = _convert(page, hide=True)
    # A hidden element that is never closed would swallow a customer's message.
    return text if complete else _convert(page, hide=False)[0]


def looks_like_html(text: str) -> bool:
    return bool(re.match(r"\s*(<!doctype\s+html|<html|<head|<body|<table|<div)\b", text, re.I))


@dataclass
class _Writer:
    """Collects the text; knows how many line breaks are due before the next word."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quoted: int = 0
    raw: int = 0
    hidden: str = ""
    depth: int = 0
    links: list[tuple[str, int, int]] = field(default_factory=list)

    def write(self, text: str) -> None:
        if self.hidden:
            return
        text = _unescape(text)
        if self.raw:
            first, *others = text.split("\n")
            self.line.append(first)
            for other in others:
                self.end_line()
                self.line.append(other)
        else:
            self.line.append(re.sub(r"[ \t\r\n\f\xa0]+", " ", text))

    def end_line(self, *, blank: bool = False) -> None:
        joined = "".join(self.line)
        line = joined if self.raw else re.sub(" +", " ", joined).strip()
        # A tab stands between the cells of a table, and nowhere else.
        line = re.sub(r" ?\t[ \t]*", "\t", line)
        self.line.clear()
        if line:
            self.lines.append("> " * self.quoted + line)
        if not line or blank:
            self.lines.append("")

    def begin_line(self, *, blank: bool = False) -> None:
        """What follows stands in a line of its own, or in a paragraph of its own."""
        if any(piece.strip() for piece in self.line):
            self.end_line(blank=blank)
        else:
            self.line.clear()
            if blank:
                self.lines.append("")

    def text(self) -> str:
        self.end_line()
        joined = "\n".join(line.rstrip() for line in self.lines)
        return re.sub(r"\n{3,}", "\n\n", joined).strip("\n")


def _convert(page: str, *, hide: bool) -> tuple[str, bool]:
    writer = _Writer()
    position = 0
    last_comment_end = page.rfind("-->")
    while (sign := page.find("<", position)) >= 0:
        writer.write(page[position:sign])
        position = _after_markup(page, sign, last_comment_end)
        if position == sign:
            tag = TAG.match(page, sign)
            if tag:
                position = tag.end()
                closing, name, rest = tag.groups()[:3] if tag[2] else tag.groups()[3:]
                _apply(writer, bool(closing), name.lower(), rest, hide)
            else:
                writer.write("<")
                position = sign + 1
    writer.write(page[position:])
    return writer.text(), not writer.hidden


def _after_markup(page: str, sign: int, last_comment_end: int) -> int:
    """Where a comment or declaration that begins at `sign` ends; `sign` if none does."""
    if page.startswith("<!--", sign):
        return page.index("-->", sign) + 3 if sign < last_comment_end else sign + 4
    if page.startswith(("<!", "<?"), sign):
        end = page.find(">", sign, sign + 1000)
        return end + 1 if end >= 0 else sign + 2
    return sign


def _apply(writer: _Writer, closing: bool, name: str, rest: str, hide: bool) -> None:
    if _is_unseen(writer, closing, name, rest, hide):
        return
    if name == "br":
        writer.end_line()
    elif name in BLOCKS:
        writer.begin_line(blank=True)
        if name == "pre":
            writer.raw = 0 if closing else 1
        elif name == "blockquote":
            writer.quoted = max(0, min(writer.quoted + (-1 if closing else 1), 20))
    elif name in LINES:
        writer.begin_line()
        if name == "li" and not closing:
            writer.line.append("- ")
    elif name in CELLS and closing:
        writer.line.append("\t")
    elif name == "a":
        _apply_link(writer, closing, rest)
    elif name == "img" and (alt := _attribute(ALT, rest)):
        writer.line.append(f"[{alt}]")


def _is_unseen(writer: _Writer, closing: bool, name: str, rest: str, hide: bool) -> bool:
    if writer.hidden:
        if name == writer.hidden and not rest.endswith("/"):
            writer.depth += -1 if closing else 1
            if writer.depth == 0:
                writer.hidden = ""
        return True
    if not closing and name not in VOID and hide and (name in UNSEEN or HIDDEN.search(rest)):
        writer.hidden, writer.depth = name, 1
        return True
    return False


def _apply_link(writer: _Writer, closing: bool, rest: str) -> None:
    if not closing:
        writer.links.append((_attribute(HREF, rest), len(writer.lines), len(writer.line)))
        writer.links[:] = writer.links[-1:]  # links do not nest
    elif writer.links:
        address, line, piece = writer.links.pop()
        shown = "".join(writer.line[piece:] if line == len(writer.lines) else writer.line)
        plain = re.sub(r"^(mailto:|tel:|https?://)", "", address.split("?")[0]).rstrip("/")
        if address.startswith(("http", "mailto:", "tel:")) and plain and plain not in shown:
            writer.line.append(f" <{address if address.startswith('http') else plain}>")


def _attribute(pattern: re.Pattern[str], rest: str) -> str:
    found = pattern.search(rest)
    return " ".join(_unescape(found[1].strip("\"'")).split())[:2000] if found else ""


def _unescape(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a number of more digits than Python reads
        return text
