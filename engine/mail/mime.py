"""The structure of a raw message: header fields and parts, read the way people meant them.

Why not the standard library's parser: it ends the header at the first line it does not
know and so loses From and Subject of real mails, it recurses once per nested part, and it
holds every line of a ten-megabyte attachment as a string. Here a part is a pair of
offsets into the raw bytes, and nothing is decoded before someone asks for it.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field

from engine.mail.charsets import decode_header, from_base64, looks_like_text
from engine.mail.fields import (
    HEADER_LIMIT,
    VALUE_LIMIT,
    parameter_bytes,
    read_fields,
    read_line,
    read_parameter,
    read_part_fields,
)

DEPTH_LIMIT = 20
PARTS_LIMIT = 500
LOOKALIKES_LIMIT = 10_000
"""Lines that begin like a boundary and are none."""

COMMON_KIND = re.compile(r"[\w.+-]+/[\w.+-]+")
# Where the declared boundary is nowhere to be found: a line that looks like one.
STRAY_BOUNDARY = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=content-)", re.I | re.M)


@dataclass(slots=True)
class Part:
    """A message, or one part of it. Its body is `raw[start:end]`."""

    raw: bytes
    start: int
    end: int
    fields: list[tuple[str, bytes]]
    parts: list[Part] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    def values(self, name: str) -> list[bytes]:
        return [value for key, value in self.fields if key == name]

    def value(self, name: str) -> bytes:
        return next((value for key, value in self.fields if key == name), b"")

    def text(self, name: str) -> str:
        """The first field of this name as one decoded line."""
        return decode_header(self.value(name), self.charset)

    def parameter(self, field_name: str, name: str) -> str:
        return read_parameter(self.value(field_name), name)

    @property
    def kind(self) -> str:
        """`text/plain` and its like, in lower case."""
        value = self.value("content-type").split(b";")[0].decode("ascii", "replace")
        value = value.strip().lower()
        if value in {"html", "text/htm"}:
            return "text/html"
        found = COMMON_KIND.match(value)
        return found[0] if found else "text/plain"

    @property
    def charset(self) -> str:
        return self.parameter("content-type", "charset")

    @property
    def disposition(self) -> str:
        value = self.value("content-disposition").split(b";")[0]
        return value.decode("ascii", "replace").strip().lower()

    @property
    def filename(self) -> str:
        name = self.parameter("content-disposition", "filename")
        name = name or self.parameter("content-type", "name")
        return name.replace("\\", "/").rsplit("/", 1)[-1][:255]

    @property
    def encoding(self) -> str:
        value = self.value("content-transfer-encoding").split(b";")[0]
        word = re.sub(r"[^a-z0-9]", "", value.decode("ascii", "replace").lower())
        return word.removeprefix("x")

    def content(self, limit: int) -> bytes:
        """The body with its transfer encoding undone, from at most `limit` raw bytes."""
        body = self.raw[self.start : min(self.end, self.start + limit)]
        if self.encoding == "base64" and not looks_like_text(body):
            return from_base64(body)
        if self.encoding == "quotedprintable":
            return binascii.a2b_qp(body)
        if self.encoding in {"uuencode", "uue", "uu"}:
            return _from_uu(body)
        return body

    def size(self) -> int:
        """About how many bytes the decoded body has, without decoding it."""
        if self.encoding != "base64":
            return self.end - self.start
        lines = self.raw.count(b"\n", self.start, self.end)
        returns = self.raw.count(b"\r", self.start, self.end)
        return (self.end - self.start - lines - returns) * 3 // 4


def parse(raw: bytes) -> Part:
    if b"\n" not in raw[:HEADER_LIMIT]:
        raw = raw.replace(b"\r", b"\n")
    start = len(raw) - len(raw.lstrip(b"\xef\xbb\xbf\r\n"))
    fields, body, defects = read_fields(raw, start, len(raw))
    message = Part(raw, body, len(raw), fields, defects=defects)
    left = PARTS_LIMIT
    open_parts = [(message, 0)]
    while open_parts and left:
        part, depth = open_parts.pop()
        if not part.kind.startswith("multipart/") or depth == DEPTH_LIMIT:
            continue
        for begin, end in _divide(part):
            fields, body, _ = read_part_fields(raw, begin, end)
            child = Part(raw, body, end, fields)
            part.parts.append(child)
            open_parts.append((child, depth + 1))
            left -= 1
            if not left:
                message.defects.append("many_parts")
                break
        if not part.parts:
            message.defects.append("bad_multipart")
    return message


def _divide(part: Part) -> list[tuple[int, int]]:
    """Where the parts of a multipart body begin and end."""
    boundary = parameter_bytes(part.value("content-type"), b"boundary")
    spans = _spans(part, b"--" + boundary) if boundary else []
    if not spans:
        stray = STRAY_BOUNDARY.search(part.raw, part.start, min(part.end, part.start + VALUE_LIMIT))
        spans = _spans(part, b"--" + stray[1]) if stray else []
    return spans


def _spans(part: Part, delimiter: bytes) -> list[tuple[int, int]]:
    raw, position = part.raw, part.start
    if not raw.startswith(delimiter, position):
        position = raw.find(b"\n" + delimiter, max(position - 1, 0), part.end) + 1
    begin = -1
    spans: list[tuple[int, int]] = []
    tries = 0
    while position and len(spans) < PARTS_LIMIT and tries < LOOKALIKES_LIMIT:
        tries += 1
        after, following = read_line(raw, position + len(delimiter), part.end)
        # A delimiter is a whole line: the boundary `x` is not found in the line `--x_alt`.
        if after.strip() in {b"", b"--", b"-"}:
            if begin >= 0:
                spans.append((begin, max(begin, _before_eol(raw, position))))
            begin = following
            if after.strip():
                return spans
        position = raw.find(b"\n" + delimiter, following - 1, part.end) + 1
    if begin >= 0:
        spans.append((begin, part.end))
    return spans


def _before_eol(raw: bytes, position: int) -> int:
    """The line break before a boundary belongs to the boundary."""
    if raw[position - 1 : position] == b"\n":
        position -= 1
    if raw[position - 1 : position] == b"\r":
        position -= 1
    return position


def _from_uu(body: bytes) -> bytes:
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith(b"begin "):
            break
    else:
        return body
    decoded: list[bytes] = []
    for line in lines:
        if line.strip() == b"end":
            break
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue  # a line that is no part of it, or whose length was counted wrong
    return b"".join(decoded) or body
