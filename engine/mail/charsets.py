"""Bytes of a mail become text: never an error, never a character that the database refuses.

Mails lie about their charset. So the label is a hint: what is valid UTF-8 is UTF-8
unless a multi-byte label fits as well, what the label cannot decode is tried as UTF-8
and as Windows-1252, and a label nobody knows counts for nothing.
"""

from __future__ import annotations

import binascii
import re
from encodings.aliases import aliases
from functools import lru_cache

# Labels that mail uses for more than the standard codec of that name can decode. The left
# side is what browsers do too (WHATWG Encoding): the right one is a superset.
WIDER = {
    "ascii": "cp1252",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "ks_c_5601_1987": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "big5": "cp950",
    "iso2022_jp": "iso2022_jp_ext",
    "iso_8859_8_i": "iso8859_8",
    "utf8mb4": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
}
NOT_TEXT = {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec"}
NOT_TEXT |= {"zlib_codec", "mbcs", "tactis"}
KNOWN = (set(aliases.values()) | set(WIDER.values())) - NOT_TEXT
# Several bytes make one character, so text of another charset hardly ever decodes by chance.
MULTIBYTE = {"utf_8", "gb18030", "cp949", "cp932", "cp950", "big5hkscs", "euc_jp", "johab", "hz"}
# All bytes are below 0x80, and yet they are not ASCII.
SEVEN_BIT = re.compile(r"iso2022_|utf_7$|hz$")

WORD = re.compile(rb"=\?([^?\s]{1,60})\?([bBqQ])\?(.{0,2000}?)\?=", re.DOTALL)
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(BASE64))
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
SURROGATES = re.compile(r"[\ud800-\udfff]")
# Turn the reading direction round: a way to let evil.exe look like exe.live in one line.
BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


@lru_cache(maxsize=256)
def codec(label: str) -> str:
    """The Python codec for a charset label, or '' for a label that means nothing."""
    name = re.sub(r"[^a-z0-9]+", "_", label.strip().strip("\"'").lower()).strip("_")
    name = WIDER.get(name, aliases.get(name, name))
    name = WIDER.get(name, name)
    return name if name in KNOWN else ""


def decode(data: bytes, label: str = "") -> str:
    """The text these bytes most probably are; `clean` has been done."""
    name = codec(label)
    if data.startswith(b"\xef\xbb\xbf"):
        name, data = "utf_8", data[3:]
    if name.startswith(("utf_16", "utf_32")) and b"\0" not in data:
        name = ""
    return clean(_decode(data, name))


def _decode(data: bytes, name: str) -> str:
    if data.isascii() and not name.startswith(("utf_16", "utf_32")):
        if not SEVEN_BIT.match(name):
            name = "iso2022_jp_ext" if b"\x1b$" in data else "ascii"
        return _strictly(data, name) or data.decode("ascii")
    # A single-byte codec decodes anything, so its success proves nothing; UTF-8 does not
    # succeed by chance.
    order = (name, "utf_8") if name in MULTIBYTE or "utf" in name else ("utf_8", name)
    for candidate in order:
        text = _strictly(data, candidate)
        if text is not None:
            return text
    broken = data.decode("utf_8", "replace")
    lost = broken.count("\ufffd")
    right = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", broken)))
    if right > lost:
        return broken
    return data.decode(name if name and "utf" not in name else "cp1252", "replace")


def _strictly(data: bytes, name: str) -> str | None:
    if not name:
        return None
    try:
        return data.decode(name)
    except (UnicodeError, LookupError, ValueError):
        return None


def decode_header(value: bytes, label: str = "") -> str:
    """A header's text in one line: encoded words (RFC 2047), raw UTF-8 (RFC 6532) and raw
    bytes of the body's charset `label`, in any mixture."""
    pieces: list[str] = []
    word, charset = b"", ""
    end = 0
    for found in WORD.finditer(value):
        between = value[end : found.start()]
        name = found[1].split(b"*")[0].decode("ascii", "replace").lower()
        if between.strip() or name != charset or not end:
            # Writers split a character over two words, so equal neighbours are joined
            # as bytes first; white space between words is no text.
            pieces.append(decode(word, charset))
            pieces.append(decode(between, label) if between.strip() or not end else "")
            word, charset = b"", name
        word += from_base64(found[3]) if found[2] in b"bB" else _from_q(found[3])
        end = found.end()
    pieces.append(decode(word, charset))
    pieces.append(decode(value[end:], label))
    return one_line("".join(pieces))


def from_base64(data: bytes) -> bytes:
    """What can be decoded of it: strange characters and wrong padding are passed over."""
    letters = data.translate(None, NOT_BASE64)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def looks_like_text(data: bytes) -> bool:
    """Whether this was only labelled base64: too much of it is spaces and punctuation, and
    its first line is not a full line of base64, which a footer was put under."""
    first = data.lstrip().split(b"\n", 1)[0].strip()
    if len(first) >= 40 and not first.translate(None, BASE64 + b"="):
        return False
    strange = len(data) - len(data.translate(None, bytes(set(NOT_BASE64) - set(b"=\r\n"))))
    return strange * 10 > len(data)


def _from_q(data: bytes) -> bytes:
    return binascii.a2b_qp(data, header=True)


def clean(text: str) -> str:
    """As PostgreSQL, JSON and people can read it: no NUL, no half characters, \\n lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return SURROGATES.sub("\ufffd", CONTROLS.sub("", text))


def one_line(text: str) -> str:
    """For a name, a subject, an address: no line breaks, no tricks with the direction."""
    return " ".join(BIDI.sub("", clean(text)).split())
