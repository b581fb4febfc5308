"""Names of people as they stand in records and drafts.

A name in odd case ("MIKE", "mIke", "anna") came out of a form that nobody looked at, and
in a greeting it shows that nobody looked there either: a person is asked. The rules err
on the side of silence, for people write their names in more ways than rules know.
"""

from __future__ import annotations

import re
import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words(
    "van von der den de del della di da das do dos du des le la las los el al bin ibn ben"
    " ter ten zu zur af av y e i of the and und et st jr sr or"
)
_ACRONYMS = _words("ii iii iv vi vii llc llp inc ltd hoa pllc pc dds cpa phd esq usa")
_TITLES = _words("mr mrs ms miss mx dr prof rev fr sir madam")
_COMPANY = _words("llc llp inc ltd co corp company hoa pllc church school")

_LEADING = re.compile(r"(?:de|del|di|da|du|la|le|van|von|mc|mac|fitz)\Z")
"""What may stand in lower case right before a capital in one word: deGrasse, vanDyke."""
_LETTERS = re.compile(r"[^\W\d_]+")


def odd_case(name: str) -> bool:
    """True where a name is written as nobody writes their own."""
    words = [part for part in re.split(r"[\s,/&+]+", name) if any(map(str.isalpha, part))]
    company = any(_plain(part) in _COMPANY for part in words)
    if words and all(not _cased(part) or part == part.lower() for part in words):
        return any(_cased(part) for part in words)
    return any(_odd_word(part, company=company) for part in words)


def _cased(text: str) -> bool:
    return text.lower() != text.upper()


def _plain(word: str) -> str:
    return word.strip(".()\"'’").casefold()


def _odd_word(word: str, *, company: bool) -> bool:
    plain = _plain(word)
    if plain in _PARTICLES or plain in _ACRONYMS or "." in word.strip("."):
        return False
    parts = [part for part in re.split(r"[-‐‑]", word) if part]
    # After a hyphen lower case is common: Anne-marie, Kim-ly.
    return any(
        _odd_part(part, first=place == 0, company=company) for place, part in enumerate(parts)
    )


def _odd_part(part: str, *, first: bool, company: bool) -> bool:
    pieces = [piece for piece in re.split(r"['’`´]", part) if piece]
    if len(pieces) > 1:
        # O'Brien, d'Angelo, Ta'shawn: a short beginning may stand in either case.
        return any(
            _odd_letters(piece, lower_allowed=place > 0 or len(piece) == 1, company=company)
            for place, piece in enumerate(pieces)
        )
    return _odd_letters("".join(pieces), lower_allowed=not first, company=company)


def _odd_letters(text: str, *, lower_allowed: bool, company: bool) -> bool:
    letters = "".join(_LETTERS.findall(text))
    if not letters or not _cased(letters):
        return False
    if letters == letters.lower():
        return not lower_allowed and _plain(letters) not in _PARTICLES
    if letters == letters.upper():
        return _shouted(letters, company=company)
    humps = _humps(letters)
    if letters[0].islower():
        return not _LEADING.match(humps[0])
    if letters[0].isupper() and len(letters) > 1 and letters[1].isupper():
        return len(letters) > 2  # "MIke", but "DJ"
    # McDonald, DeShawn, LaToya, JoAnn; "MiKe" ends in a hump too short for a name.
    return len(humps) > 2 or (len(humps) == 2 and len(humps[1]) < 2) or _alternates(humps)


def _shouted(letters: str, *, company: bool) -> bool:
    if len(letters) <= 2:
        return False  # DJ, TJ, Jo written as JO: initials cannot be told from short names
    if company and len(letters) <= 4:
        return False
    # Without a vowel it is an abbreviation (KLM), not a name.
    return any(letter in "aeiouyæøœ" for letter in folded(letters))


def _humps(letters: str) -> list[str]:
    """McDonald: Mc, Donald. A new hump begins at each capital."""
    humps: list[str] = []
    for letter in letters:
        if letter.isupper() or not humps:
            humps.append(letter)
        else:
            humps[-1] += letter
    return humps


def _alternates(humps: list[str]) -> bool:
    return len(humps) == 2 and len(humps[0]) == 2 == len(humps[1]) and humps[0] != humps[1]


def given_parts(name: str) -> list[str]:
    """The words of a name by which a person may be addressed: without titles, initials
    and particles."""
    words = (word.strip('.,()"') for word in re.split(r"[\s,/&+]+", name))
    return [
        word
        for word in words
        if len(word) > 1
        and any(map(str.isalpha, word))
        and word.casefold() not in _TITLES | _PARTICLES | _COMPANY
    ]


def folded(text: str) -> str:
    """For comparing: without case, accents and kinds of apostrophe."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'"))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
