"""Tiers: what a call cost, to the last digit, and where to go from there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import SettingsInvalid
from engine.llm import Usage
from engine.llm.tiers import from_settings, next_tier
from engine.settings import Settings

USAGE = Usage(tokens_in=500, tokens_cached=1_500, tokens_out=400)


def test_the_cost_of_a_call_at_todays_prices():
    tiers = from_settings(Settings())
    assert tiers.cost_usd(0, USAGE) == 0
    assert tiers.cost_usd(1, USAGE) == Decimal("0.000265")
    assert tiers.cost_usd(2, USAGE) == Decimal("0.00515")
    assert tiers.cost_usd(3, USAGE) == Decimal("0.0103")


def test_no_token_is_too_few_to_count():
    tiers = from_settings(Settings(price_tier_1="0.10,0.50,0.125,0.01"))
    assert tiers.cost_usd(1, Usage(tokens_cache_written=1)) == Decimal("0.000000125")
    assert sum(tiers.cost_usd(1, Usage(tokens_in=1)) for _ in range(1_000)) == Decimal("0.0001")


def test_long_prompts_have_their_own_price():
    tiers = from_settings(Settings(price_tier_1="0.10,0.50,0.125,0.01;100000:0.50,2.50,0.625,0.05"))
    short = Usage(tokens_in=99_000, tokens_cached=600, tokens_cache_written=400)
    long = Usage(tokens_in=99_001, tokens_cached=600, tokens_cache_written=400)
    assert tiers.cost_usd(1, short) == Decimal("0.009956")
    assert tiers.cost_usd(1, long) == Decimal("0.0497805")


@pytest.mark.parametrize(
    "price", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,-4", "NaN,1,1,1", "1,2,3,4;x:1,2,3,4"]
)
def test_a_price_that_is_none_names_its_setting_and_the_cure(price: str):
    with pytest.raises(SettingsInvalid, match=r"PRICE_TIER_2: give four numbers"):
        from_settings(Settings(price_tier_2=price))


@pytest.mark.parametrize(
    ("tier", "cap", "above"),
    [(0, 3, 1), (1, 3, 2), (2, 3, 3), (3, 3, None), (1, 1, None), (3, 9, None)],
)
def test_the_next_tier_ends_at_the_cap(tier: int, cap: int, above: int | None):
    assert next_tier(tier, cap) == above


def test_models_are_settings():
    tiers = from_settings(Settings(model_tier_2="claude-sonnet-9"))
    assert tiers[2].model == "claude-sonnet-9"
    with pytest.raises(KeyError, match="no model"):
        tiers[0]
