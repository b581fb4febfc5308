"""Checks on a draft that need no model: what a careful reader would stumble over.

A step that drafts runs them on every result. A problem makes the result uncertain, so
that a bigger model tries, and at the cap a person. The words are a closed list and hold
nothing of the text, so they may stand in events.

What counts as known is `context_text`: the facts that the step gave the model, one
`name: value` a line, and the company's own texts. Text from outside should not be part
of it, for then a stranger's link or price would count as ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

from engine.llm.names import folded, given_parts, odd_case

__all__ = ["PROBLEMS", "Problem", "draft_problems", "odd_case"]

Problem = Literal[
    "empty",
    "too_long",
    "placeholder_left",
    "name_missing",
    "name_odd_case",
    "link_not_in_context",
    "price_not_in_context",
    "phone_not_in_context",
    "email_not_in_context",
]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)

SUBJECT_LIMIT = 150
BODY_LIMIT = 6_000


def draft_problems(
    subject: str,
    body: str,
    *,
    required_names: Sequence[str] = (),
    context_text: str = "",
    allowed_links: Iterable[str] = (),
) -> list[Problem]:
    """What is wrong with a draft, in the order of PROBLEMS; nothing, if all is well.

    Each of `required_names` must be addressed by one of its parts ("Hi Anna" and "Dear
    Ms. Berg" both do for Anna Berg); empty ones do not count."""
    text = f"{subject}\n{body}"
    names = [name for name in required_names if name.strip()]
    known_links = {_link(link) for link in (*_links(context_text), *allowed_links)}
    found: dict[Problem, bool] = {
        "empty": not subject.strip() or not body.strip(),
        "too_long": len(subject) > SUBJECT_LIMIT or len(body) > BODY_LIMIT,
        "placeholder_left": any(pattern.search(text) for pattern in _PLACEHOLDERS),
        "name_missing": not all(_addressed(name, body) for name in names),
        "name_odd_case": any(_odd_in(name, text) for name in names),
        "link_not_in_context": any(_link(link) not in known_links for link in _links(text)),
        "price_not_in_context": _unknown_price(text, context_text),
        "phone_not_in_context": _unknown_phone(text, context_text),
        "email_not_in_context": bool(_emails(text) - _emails(context_text)),
    }
    return [problem for problem in PROBLEMS if found[problem]]


# -- placeholders -----------------------------------------------------------------

_BLANKS = (
    r"(?:your|insert|enter|add|first|last|full|customer|client|company|business|owner|name|date"
    r"|time|day|price|amount|address|phone|email|e-mail|service|link|url|number|signature|title"
    r"|city|street|month|season|details?|placeholder)"
)
_PLACEHOLDERS = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"\{\{|\}\}|\{%|%\}", 0),
        (r"\{[a-z_]+\}", re.IGNORECASE),
        (r"\$\{?[A-Z_]{3,}\b", 0),
        (r"\[[A-Z][A-Z '_/-]+\]", 0),
        (rf"\[{_BLANKS}\b[^\[\]\n]{{0,40}}\](?!\()", re.IGNORECASE),
        (rf"<{_BLANKS}\b[^<>@:\n]{{0,40}}>", re.IGNORECASE),
        (r"(?<![A-Za-z])X{3,}(?![A-Za-z])|\$X+\b|\bXX\b", 0),
        (r"\b(?:TBD|TODO|FIXME|TK)\b|lorem ipsum", 0),
        # A blank to fill in; a line of nothing but underscores is a rule across the page.
        (r"[^\s_][^\S\n]*_{3,}|_{3,}[^\S\n]*[^\s_]", 0),
        (
            r"^\s*(?:dear|hi|hello|hey)\s+(?:(?:valued|dear)\s+)?"
            r"(?:customer|client|name|user|recipient|sir(?:\s+or\s+madam)?)\s*[,.!:\n]",
            re.IGNORECASE | re.MULTILINE,
        ),
    )
)

# -- names ------------------------------------------------------------------------


def _addressed(name: str, body: str) -> bool:
    text = folded(body)
    return any(_word(folded(part)).search(text) for part in _parts(name))


def _odd_in(name: str, text: str) -> bool:
    """Whether the name stands in the text in a case that nobody writes it in.

    A lower-case form counts only in the greeting: further on, "will" and "mark" are words."""
    greeting = next((line for line in text.splitlines()[1:] if line.strip()), "")
    for part in _parts(name):
        for written in _word(part, re.IGNORECASE).findall(text):
            lower = written == written.lower()
            if odd_case(written) and (not lower or _word(written).search(greeting)):
                return True
    return False


def _parts(name: str) -> list[str]:
    return given_parts(name) or [name.strip()]


def _word(text: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", flags)


# -- links, addresses, numbers ----------------------------------------------------

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_LINK = re.compile(
    r"https?://[^\s<>\"')\]]+"
    r"|(?<![@\w.-])www\.[^\s<>\"')\]]+"
    r"|(?<![@\w./-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|co|us|biz|info|me|app|dev|example|ly|gl)"
    r"(?![\w-]|\.\w)(?:/[^\s<>\"')\]]*)?",
    re.IGNORECASE,
)


def _emails(text: str) -> set[str]:
    return {address.strip(".'").casefold() for address in _EMAIL.findall(text)}


def _links(text: str) -> list[str]:
    return _LINK.findall(_EMAIL.sub(" ", text))


def _link(text: str) -> str:
    """Without scheme, www, case of the host and trailing punctuation."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", text.strip(), flags=re.IGNORECASE)
    host, slash, path = bare.rstrip(".,;:!?*_/").partition("/")
    return f"{host.casefold()}{slash}{path}"


_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"
_PRICE = re.compile(
    rf"(?:[$€£]|\bUSD)\s?({_AMOUNT})|(?<![\w.,])({_AMOUNT})\s?(?:dollars?\b|bucks\b|USD\b|[€£])",
    re.IGNORECASE,
)
_BARE_AMOUNT = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+)\.\d{2}(?![\w]|\.\d)")
_AMOUNT_FACT = re.compile(
    r"^[\w.-]*(?:amount|price|total|cost|balance|fee)[\w.-]*:(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_SPELLED_PRICE = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand)\s+(?:dollars|bucks)\b",
    re.IGNORECASE,
)
_DISCOUNT = re.compile(
    r"(\d+(?:\.\d+)?)\s?(?:%|percent)\s?(?:off\b|discount\b|less\b|savings?\b)"
    r"|\b(?:save|discount of|savings? of)\s(?:up to\s)?(\d+(?:\.\d+)?)\s?(?:%|percent)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s?(?:%|percent)", re.IGNORECASE)


def _unknown_price(text: str, context: str) -> bool:
    known = _numbers(_PRICE.findall(context)) | _numbers(_BARE_AMOUNT.findall(context))
    for value in _AMOUNT_FACT.findall(context):
        known |= _numbers(re.findall(rf"(?<![\w.,])(?:{_AMOUNT})(?![\w])", value))
    spelled = {folded(one) for one in _SPELLED_PRICE.findall(text)}
    return bool(
        _numbers(_PRICE.findall(text)) - known
        or _numbers(_DISCOUNT.findall(text)) - _numbers(_PERCENT.findall(context))
        or any(one not in folded(context) for one in spelled)
    )


def _numbers(found: Iterable[str | tuple[str, ...]]) -> set[Decimal]:
    numbers = set()
    for one in found:
        text = one if isinstance(one, str) else "".join(one)
        try:
            numbers.add(Decimal(text.replace(",", "")))
        except InvalidOperation:
            continue
    return numbers


_PHONE = re.compile(
    r"(?<![\w$#.-])(?:\+?1[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\w-])"
    r"|(?<![\w$#.,-])\d{3}-\d{4}(?![\w-])"
    r"|(?<![\w$#.-])\+\d{10,14}(?!\w)"
)


def _unknown_phone(text: str, context: str) -> bool:
    known = {_digits(number) for number in _PHONE.findall(context)}
    # Records keep numbers as they please: ten digits in a row, or with an extension.
    known |= {number[-10:] for number in re.findall(r"(?<!\d)1?\d{10}(?!\d)", context)}
    return any(
        not any(have.endswith(_digits(number)) for have in known) for number in _PHONE.findall(text)
    )


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)[-10:]
