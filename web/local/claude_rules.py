"""How the stand-in for the model answers: plain rules over the marked text in a prompt.

It fills whatever schema it is given. Labels are scored by the words that speak for them;
confidence follows the margin, and a bigger model is a little surer of the same material.
The same prompt always gets the same answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from web.local import claude_drafts

SCORES: dict[str, dict[str, float]] = {
    "spam": {
        r"\bseo\b|search engine|first page of|backlink|guest post": 2,
        r"bitcoin|crypto|casino|lottery|forex|viagra": 3,
        r"(web ?site|app) (re)?design|increase your (traffic|sales)|more leads": 2,
        r"click here|limited.time|act now|100% (free|guarantee)|risk.free": 1,
        r"unsubscribe|opt.out|bulk|mailing list|dear (sir|madam|business owner)": 1,
        r"(business|merchant) (loan|funding)|wire transfer|inheritance|winner": 3,
    },
    "complaint": {
        r"unhappy|not happy|disappoint|unacceptable|frustrat|angry|upset": 2,
        r"complain|refund|overcharg|terrible|awful|worst|sloppy": 2,
        r"damag|ruin|broke|scratch|burn(ed|t)|dead (grass|patch)|killed": 2,
        r"never (showed|came|called)|no.?show|missed|still waiting|again!": 1.5,
    },
    "scheduling": {
        r"re.?schedul|postpone|push (it )?back|move (my|the|our) (appointment|visit|date)": 3,
        r"what (time|day)|when (are|will|is) (you|the crew|someone)": 2,
        r"appointment|skip (this|next) week|another (day|time)|are you (still )?coming": 1.5,
    },
    "existing_customer": {
        r"(my|our) (account|contract|invoice|bill|plan|renewal|usual|regular)": 2.5,
        r"(you|your (crew|team)) (did|do|have been|mowed|plowed|serviced?|treated) (my|our|us)": 2,
        r"(existing|current|long.?time|already a|as a) customer|last (year|season)": 2,
        r"receipt|payment|renew|sign me up again": 1,
    },
    "new_lead": {
        r"\b(quote|estimate|bid|pric(e|ing)|how much|rates?)\b": 2,
        r"interested in|looking for|need (someone|a company)|do you (offer|service|do|cover)": 2,
        r"(just|recently) (moved|bought)|new (home|house|to the area)|found you|neighbou?r": 1.5,
        r"mow|lawn|snow|plow|shovel|fertili|weed|aerat|leaf|cleanup": 0.5,
    },
    "urgent": {r"urgent|asap|right away|immediately|emergency|today": 2},
    "interested": {r"\byes\b|interested|sounds good|sign me up|please do|go ahead": 2},
    "not_interested": {r"no thank|not interested|sold the house|moved away|found someone": 3},
    "unsubscribe": {r"unsubscribe|stop (mailing|writing|e-?mailing)|remove me|take me off": 3},
    "positive": {r"thank|great|love|happy|excellent|wonderful": 2},
    "negative": {r"unhappy|disappoint|terrible|awful|bad|angry|not happy": 2},
}
REASONS = {
    "spam": "It offers something to us and asks for nothing that we do.",
    "complaint": "The writer is unhappy with work that was done or left undone.",
    "scheduling": "It is about when a visit takes place.",
    "existing_customer": "The writer speaks of work that we already do for them.",
    "new_lead": "Someone asks for a service and a price.",
}
CONTACTS = {
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "phone": r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}",
    "address": r"\d{2,5} (?:[A-Z]\w+ ){1,3}(?:Ave|St|Rd|Blvd|Ln|Dr|Trl|Ct)\b(?: [NSEW]{1,2}\b)?",
    "city": r"(?<=moved to )[A-Z]\w+(?: [A-Z]\w+)?",
    "name": r"(?!)",
    "date": r"(?!)",
}
"""What a text field may take from the mail; a name or a date is never guessed."""


@dataclass(frozen=True)
class Material:
    """A prompt taken apart as a reader would: facts, text from outside, and the task."""

    system: str
    user: str
    model: str

    @cached_property
    def outside(self) -> str:
        blocks = re.findall(
            r'<outside id="(\w+)"[^>\n]*>\n(.*?)\n</outside id="\1">', self.user, re.DOTALL
        )
        return "\n".join(text for _, text in blocks)

    @cached_property
    def facts(self) -> dict[str, str]:
        block = re.search(r'<facts id="(\w+)">\n(.*?)\n</facts id="\1">', self.user, re.DOTALL)
        lines = re.findall(r"^([\w.-]+): (.*(?:\n  .*)*)", block[2] if block else "", re.MULTILINE)
        return {name: value.replace("\n  ", "\n") for name, value in lines}

    @cached_property
    def task(self) -> str:
        return re.sub(r'<(\w+) id="(\w+)".*?</\1 id="\2">', "", self.user, flags=re.DOTALL)

    @cached_property
    def evidence(self) -> str:
        return (self.outside or " ".join(self.facts.values()) or self.task).casefold()

    @property
    def surer(self) -> float:
        """What a bigger model adds to the confidence in unclear material."""
        return 0.25 if "opus" in self.model else 0.15 if "sonnet" in self.model else 0.0


def answer(system: str, user: str, schema: dict[str, Any], model: str) -> dict[str, Any]:
    """An object that fits the schema."""
    material = Material(system, user, model)
    filled: dict[str, Any] = _fill(schema, "", material, schema.get("$defs", {}))
    properties = schema.get("properties", {})
    labels = [_labels(one) for one in properties.values() if _labels(one)]
    if "body" in properties:
        filled |= claude_drafts.draft(material)
        filled["reason"] = "It answers what was asked and promises nothing."
        certain = claude_drafts.confidence(material)
    elif labels:
        certain = confidence(labels[0], material)
        filled["reason"] = REASONS.get(choice(labels[0], material), "The facts leave one choice.")
    else:
        certain = 0.9 if material.evidence.strip() else 0.5
    if "confidence" in properties:
        filled["confidence"] = round(min(certain, 0.99), 2)
    return {name: filled[name] for name in properties if name in filled}


def choice(labels: list[str], material: Material) -> str:
    scores = _scores(labels, material)
    return max(labels, key=lambda label: scores[label])  # the first of equals


def confidence(labels: list[str], material: Material) -> float:
    scores = sorted(_scores(labels, material).values(), reverse=True)
    best, total = scores[0], sum(scores)
    if best == 0:
        # Nothing speaks for any label: unclear where there was a text to judge.
        return 0.45 + material.surer if material.outside else 0.8
    share = best / total
    if share >= 0.75 and best >= 1.5:
        return min(0.9 + best / 50, 0.98)
    return min(0.4 + 0.4 * max(share - 0.25, 0), 0.68) + material.surer


def _scores(labels: list[str], material: Material) -> dict[str, float]:
    return {label: _score(label, material.evidence) for label in labels}


def _score(label: str, text: str) -> float:
    known = SCORES.get(label.casefold())
    if known is not None:
        return sum(weight for pattern, weight in known.items() if re.search(pattern, text))
    words = [word for word in re.split(r"\W|_", label.casefold()) if len(word) > 2]
    return float(sum(bool(re.search(rf"\b{re.escape(word)}", text)) for word in words))


def _labels(schema: dict[str, Any]) -> list[str]:
    return [one for one in schema.get("enum", []) if isinstance(one, str)]


def _fill(schema: dict[str, Any], name: str, material: Material, definitions: Any) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        labels = _labels(schema)
        return choice(labels, material) if labels else schema["enum"][0]
    if "anyOf" in schema:
        nothing = any(one.get("type") == "null" for one in schema["anyOf"])
        return None if nothing else _fill(schema["anyOf"][0], name, material, definitions)
    if schema.get("type") == "object":
        inner = schema.get("properties", {}).items()
        return {key: _fill(one, key, material, definitions) for key, one in inner}
    return _value(schema, name, material)


def _value(schema: dict[str, Any], name: str, material: Material) -> Any:
    match schema.get("type"):
        case "array":
            plain = schema.get("items", {}).get("type") == "string"
            return claude_drafts.services(material.evidence) if plain else []
        case "boolean":
            return _score(name, material.evidence) > 0
        case "integer" | "number":
            return 5 if name == "importance" else 0
        case _:
            return _say(name, material)


def _say(name: str, material: Material) -> str:
    """A text of that name, taken from the material and not made up."""
    if name == "reason":
        return "It follows from the material."
    if name in material.facts:
        return material.facts[name]
    if "service" in name:
        return ", ".join(claude_drafts.services(material.evidence))
    for word, pattern in CONTACTS.items():
        if word in name:
            found = re.search(pattern, material.outside)
            return found[0] if found else ""
    text = material.outside or "; ".join(re.findall(r"^- (.*)", material.user, re.MULTILINE))
    return " ".join((text or material.task).split())[:280]
