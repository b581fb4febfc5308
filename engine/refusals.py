"""Why a draft is refused: the reasons that can be tapped, each with the code that is kept.

What somebody writes instead may name the customer; of that only the fact is kept.
"""

from __future__ import annotations

REASONS = {
    "taken_care_of": "Already taken care of",
    "not_this_customer": "Not right for this customer",
    "wrong_facts": "Wrong facts",
    "wrong_tone": "Wrong tone",
}
# By one tap, of many drafts that are looked through.
STRUCK_OUT = "Struck out"
OWN_WORDS = "own_words"
NONE_GIVEN = "none_given"
_CODES = {text.casefold(): code for code, text in REASONS.items()}
_CODES[STRUCK_OUT.casefold()] = "struck_out"


def code_of(given: str) -> str:
    said = given.strip()
    if not said:
        return NONE_GIVEN
    # In Slack one may tap a reason and say more behind it.
    tapped = said.partition(":")[0].strip()
    return said if said in REASONS else _CODES.get(tapped.casefold(), OWN_WORDS)


def in_words(code: str) -> str:
    return REASONS.get(code, code.replace("_", " "))
