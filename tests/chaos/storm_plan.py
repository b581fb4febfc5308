"""What a storm will do, drawn from its seed before anything begins: the same seed, the same
plan. When each stroke falls inside the engine's work is the machine's affair.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

Kind = Literal["kill_worker", "kill_web", "freeze", "crash_database", "cut_backends", "fault"]
OccasionKind = Literal["form", "mail", "everything", "patience"]

CALM_SECONDS = 2.0
BETWEEN_KILLS = (1.0, 5.0)
LONGER_THAN_A_LEASE = (2.0, 5.0)
WEB_SHARE = 0.15
# Of a hundred kills, so many of the others come with them.
FREEZES, CRASHES, CUTS, FAULTS, CANCELS = 0.06, 0.06, 0.15, 1.0, 0.08
MIX: dict[OccasionKind, float] = {"form": 3, "mail": 2, "everything": 3, "patience": 2}


@dataclass(frozen=True, slots=True)
class Stroke:
    """`at` and `seconds` are seconds; `pick`, from 0 to 1, says which of those who are
    there by then. A fault's `facts` are those of `web.local.world.Fault`."""

    at: float
    kind: Kind
    pick: float = 0.0
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        more = f" for {self.seconds:.1f} s" if self.seconds else ""
        facts = " ".join(f"{k}={v}" for k, v in self.facts.items())
        return f"{self.kind}{more} {facts}".rstrip()

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.what}"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happens in the world, and starts a task. `copies`: how often the same
    webhook arrives. `cancelled_at`: when somebody ends it, or never."""

    number: int
    kind: OccasionKind
    at: float
    copies: int = 1
    cancelled_at: float | None = None

    def __str__(self) -> str:
        more = f", {self.copies} times" if self.copies > 1 else ""
        more += f", cancelled at {self.cancelled_at:.1f} s" if self.cancelled_at else ""
        return f"{self.at:6.1f} s  occasion {self.number}: {self.kind}{more}"


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    strokes: tuple[Stroke, ...]
    occasions: tuple[Occasion, ...]
    # Leases in seconds; whoever is frozen is frozen for longer than that.
    lease: float

    @property
    def kills(self) -> int:
        return sum(stroke.kind in ("kill_worker", "kill_web") for stroke in self.strokes)

    @property
    def lines(self) -> list[str]:
        everything = sorted([*self.strokes, *self.occasions], key=lambda one: one.at)
        return [str(one) for one in everything]


def draw(seed: int, *, kills: int, tasks: int, lease: float) -> Plan:
    chance = Random(seed)
    at = CALM_SECONDS
    strokes: list[Stroke] = []
    for _ in range(kills):
        at += chance.uniform(*BETWEEN_KILLS)
        kind: Kind = "kill_web" if chance.random() < WEB_SHARE else "kill_worker"
        strokes.append(Stroke(at, kind, pick=chance.random()))
    end = at
    strokes += _others(chance, kills, end, lease)
    occasions = tuple(_occasion(chance, n, end) for n in range(1, tasks + 1))
    return Plan(seed, tuple(sorted(strokes, key=lambda one: one.at)), occasions, lease)


def _others(chance: Random, kills: int, end: float, lease: float) -> list[Stroke]:
    def moments(share: float) -> list[float]:
        return [chance.uniform(CALM_SECONDS, end) for _ in range(max(1, round(kills * share)))]

    freezes = _freezes(chance, max(1, round(kills * FREEZES)), end, lease)
    crashes = [Stroke(at, "crash_database") for at in moments(CRASHES)]
    cuts = [Stroke(at, "cut_backends", chance.random()) for at in moments(CUTS)]
    faults = [Stroke(at, "fault", facts=_fault(chance)) for at in moments(FAULTS)]
    return [*freezes, *crashes, *cuts, *faults]


def _freezes(chance: Random, wanted: int, end: float, lease: float) -> list[Stroke]:
    """One after the other, each in its own part of the time: a machine that stands still is
    not joined by the next one, for then there would be nobody to take over."""
    longest = lease + LONGER_THAN_A_LEASE[1]
    parts = max(1, min(wanted, int((end - CALM_SECONDS) // longest)))
    part = (end - CALM_SECONDS) / parts
    return [
        Stroke(
            CALM_SECONDS + n * part + chance.uniform(0, max(0.0, part - longest)),
            "freeze",
            chance.random(),
            lease + chance.uniform(*LONGER_THAN_A_LEASE),
        )
        for n in range(parts)
    ]


def _fault(chance: Random) -> dict[str, Any]:
    vendor = chance.choice(("slack", "ses", "crm", "claude"))
    kinds = ["late", "late", "late", "drop_before", "drop_after", "truncate", "hang", "429", "500"]
    kinds += {"slack": ["not_ok"], "claude": ["529"]}.get(vendor, [])
    kind = chance.choice(kinds)
    # Slack is read, too; what matters are its posts.
    facts: dict[str, Any] = {"vendor": vendor}
    if vendor == "slack" and chance.random() < 0.7:
        facts["path"] = "chat.postMessage"
    if kind == "late":
        # Not late enough to be given up, but in hand when something else strikes.
        return facts | {"kind": "slow", "seconds": 1.5, "times": chance.randint(3, 8)}
    if kind == "hang":
        # Longer than the call waits, and shorter than a vendor may still be at it.
        return facts | {"kind": "slow", "seconds": 12.0 if vendor == "ses" else 7.0}
    if kind in ("drop_before", "drop_after", "truncate"):
        return facts | {"kind": kind}
    if kind == "not_ok":
        error = chance.choice(("internal_error", "fatal_error", "not_in_channel", "ratelimited"))
        body = json.dumps({"ok": False, "error": error})
        return facts | {"kind": "answer", "status": 200, "body": body}
    facts |= {"kind": "answer", "status": int(kind), "body": "{}"}
    if kind in ("429", "529"):
        facts["headers"] = {"Retry-After": str(chance.randint(5, 20))}
    return facts


def _occasion(chance: Random, number: int, end: float) -> Occasion:
    [kind] = chance.choices(list(MIX), list(MIX.values()))
    at = chance.uniform(0.5, end * 0.9)
    copies = chance.choice((1, 1, 1, 2, 3)) if kind in ("form", "mail") else 1
    cancelled = at + chance.uniform(1, 20) if chance.random() < CANCELS else None
    return Occasion(number, kind, at, copies, cancelled)
