"""How much of a draft a person has changed: the share of its words, 0 to 1.

Line ends and spaces are nobody's opinion of a draft, so a text that differs only in them
counts as unchanged.
"""

from __future__ import annotations

from difflib import SequenceMatcher

MOST_WORDS = 1000
"""Of each text; a draft has a tenth of that, and the comparison grows with the square."""


def reworded(before: str, after: str) -> float | None:
    """None where nothing but white space differs."""
    old, new = before.split(), after.split()
    if old == new:
        return None
    matcher = SequenceMatcher(None, old[:MOST_WORDS], new[:MOST_WORDS], autojunk=False)
    return 1 - matcher.ratio()
