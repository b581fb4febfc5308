"""Header fields of a message or a part, and the parameters inside them.

Where real mails break the rules, a person still sees where the header ends: so a strange
line is passed over as long as fields follow it, and folded values are put together again.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from engine.mail.charsets import decode, decode_header

HEADER_LIMIT = 256 * 1024
VALUE_LIMIT = 64 * 1024

EOL = re.compile(rb"\r{0,3}\n|\r")
FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
PARAMETER = re.compile(rb';\s*([\w!#$%&*+.^`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)

Fields = list[tuple[str, bytes]]


def read_fields(raw: bytes, start: int, end: int) -> tuple[Fields, int, list[str]]:
    """The header fields that begin at `start`, where the body begins, and what was odd.

    A line that is no field does not end the header as long as fields follow it; an
    empty line does.
    """
    limit = min(end, start + HEADER_LIMIT)
    names: list[str] = []
    values: list[list[bytes]] = []
    defects: list[str] = []
    position = start
    while position < limit:
        line, following = read_line(raw, position, limit)
        if not line:
            position = following
            break
        if line[:1] in b" \t":
            if not line.strip() and not _field_follows(raw, following, limit, 1):
                position = following
                break
            if values:
                values[-1].append(line)
        elif found := FIELD.match(line):
            names.append(found[1].decode("ascii").lower())
            values.append([line[found.end() :]])
        elif _field_follows(raw, following, limit, 5):
            # The first line of an mbox file ("From somebody Mon May 2") is none of ours.
            if names or not line.startswith((b"From ", b">From ")):
                defects.append("bad_header")
        else:
            defects.append("no_header_end")
            break
        position = following
    joined = [b"".join(lines).strip()[:VALUE_LIMIT] for lines in values]
    return list(zip(names, joined, strict=True)), position, defects


def read_part_fields(raw: bytes, start: int, end: int) -> tuple[Fields, int, list[str]]:
    """Like `read_fields`, for a part: text that stands right below the boundary, without
    any header and the empty line after it, is not eaten as one."""
    fields, body, defects = read_fields(raw, start, end)
    if not any(name.startswith("content-") for name, _ in fields) and body > start:
        line, following = read_line(raw, start, end)
        return [], following if not line else start, defects
    return fields, body, defects


def read_line(raw: bytes, position: int, limit: int) -> tuple[bytes, int]:
    found = EOL.search(raw, position, limit)
    return (raw[position : found.start()], found.end()) if found else (raw[position:limit], limit)


def _field_follows(raw: bytes, position: int, limit: int, lines: int) -> bool:
    for _ in range(lines):
        line, position = read_line(raw, position, limit)
        if not line:
            return False
        if FIELD.match(line) or (lines == 1 and line[:1] in b" \t"):
            return True
    return False


def read_parameter(value: bytes, name: str) -> str:
    """A parameter of a header value, decoded by RFC 2231 or, as most write it, RFC 2047."""
    key = name.encode()
    charset, joined = "", b""
    for number in range(-1, 50):
        piece = key if number < 0 else b"%s*%d" % (key, number)
        encoded = parameter_bytes(value, piece + b"*")
        if encoded:
            if not joined and encoded.count(b"'") >= 2:
                label, _, encoded = encoded.split(b"'", 2)
                charset = label.decode("ascii", "replace")
            joined += unquote_to_bytes(encoded)
        elif number >= 0:
            plain = parameter_bytes(value, piece)
            if not plain:
                break
            joined += plain
    if joined:
        return " ".join(decode(joined, charset).split())
    return decode_header(parameter_bytes(value, key))


def parameter_bytes(value: bytes, key: bytes) -> bytes:
    for found in PARAMETER.finditer(value):
        if found[1].lower() == key:
            text = found[2].strip()
            if text.startswith(b'"'):
                return re.sub(rb"\\(.)", rb"\1", text.strip(b'"'))
            return text
    return b""
