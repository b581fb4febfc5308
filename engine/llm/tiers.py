"""The tiers: which model each is, what a call cost, and which tier comes next.

Tier 0 is no model and costs nothing. Models and prices are settings; a price setting
holds USD per million tokens for input, output, cache write and cache read. Where a
model costs more for long prompts, a second band follows behind a semicolon, with the
prompt's length that it begins above: `0.10,0.50,0.125,0.01;100000:0.50,2.50,0.625,0.05`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from engine.errors import SettingsInvalid
from engine.llm import Usage
from engine.settings import Settings

NO_MODEL, HIGHEST = 0, 3


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    tokens_in: Decimal
    tokens_out: Decimal
    cache_written: Decimal
    cache_read: Decimal

    def of(self, usage: Usage) -> Decimal:
        """Exact: no rounding, so that sums over a month stay true."""
        return (
            self.tokens_in * usage.tokens_in
            + self.tokens_out * usage.tokens_out
            + self.cache_written * usage.tokens_cache_written
            + self.cache_read * usage.tokens_cached
        ).scaleb(-6)


@dataclass(frozen=True, slots=True)
class Tier:
    number: int
    model: str
    price: Price
    long_prompt: int | None = None
    """Prompts of more tokens than this cost `long_price` for all of their tokens."""
    long_price: Price | None = None

    def cost_usd(self, usage: Usage) -> Decimal:
        prompt = usage.tokens_in + usage.tokens_cached + usage.tokens_cache_written
        if self.long_price is not None and self.long_prompt is not None:
            return (self.long_price if prompt > self.long_prompt else self.price).of(usage)
        return self.price.of(usage)


@dataclass(frozen=True, slots=True)
class Tiers:
    tiers: tuple[Tier, ...]

    def __getitem__(self, number: int) -> Tier:
        """Tier 1, 2 or 3; tier 0 has no model and is not here."""
        for tier in self.tiers:
            if tier.number == number:
                return tier
        raise KeyError(f"there is no model at tier {number}")

    def cost_usd(self, number: int, usage: Usage) -> Decimal:
        return Decimal(0) if number == NO_MODEL else self[number].cost_usd(usage)


def from_settings(settings: Settings) -> Tiers:
    return Tiers(
        (
            _tier(1, settings.model_tier_1, settings.price_tier_1),
            _tier(2, settings.model_tier_2, settings.price_tier_2),
            _tier(3, settings.model_tier_3, settings.price_tier_3),
        )
    )


def next_tier(tier: int, max_tier: int) -> int | None:
    """The tier above, or None where only a person is left to ask."""
    above = tier + 1
    return above if above <= min(max_tier, HIGHEST) else None


def _tier(number: int, model: str, text: str) -> Tier:
    short, _, long = text.partition(";")
    try:
        if not long.strip():
            return Tier(number, model, _price(short))
        above, _, prices = long.partition(":")
        return Tier(number, model, _price(short), int(above), _price(prices))
    except (ValueError, InvalidOperation):
        raise SettingsInvalid(
            f"PRICE_TIER_{number}: give four numbers, USD per million tokens in, out, cache"
            " write, cache read, such as 2,10,2.50,0.10"
        ) from None


def _price(text: str) -> Price:
    numbers = [Decimal(part.strip()) for part in text.split(",")]
    if len(numbers) != 4 or not all(n.is_finite() and n >= 0 for n in numbers):
        raise ValueError(text)
    return Price(*numbers)
