"""The bound is exact: checked against known values and by rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from engine.clopper_pearson import upper_bound


def exactly_at_most(bad: int, of: int, rate: Fraction) -> Fraction:
    return sum(
        (comb(of, n) * rate**n * (1 - rate) ** (of - n) for n in range(bad + 1)), Fraction(0)
    )


@pytest.mark.parametrize("of", [1, 2, 10, 58, 59, 60, 298, 299, 300, 5000])
def test_of_clean_series_it_is_a_root(of: int) -> None:
    assert upper_bound(0, of) == pytest.approx(1 - 0.05 ** (1 / of), rel=1e-12)


def test_59_clean_drafts_allow_for_five_per_cent_and_299_for_one() -> None:
    assert upper_bound(0, 58) > 0.05 >= upper_bound(0, 59)
    assert upper_bound(0, 298) > 0.01 >= upper_bound(0, 299)


@pytest.mark.parametrize(
    ("bad", "of", "known"),
    [(1, 10, 0.3942), (0, 20, 0.1391), (2, 20, 0.2826), (5, 50, 0.1988), (10, 100, 0.1637)],
)
def test_known_values(bad: int, of: int, known: float) -> None:
    assert upper_bound(bad, of) == pytest.approx(known, abs=6e-5)


@pytest.mark.parametrize(
    ("bad", "of"), [(1, 2), (5, 50), (1, 59), (3, 45), (4, 45), (49, 50), (7, 400), (150, 400)]
)
def test_at_the_bound_so_few_are_just_believable(bad: int, of: int) -> None:
    bound = Fraction(upper_bound(bad, of))
    near = Fraction(1, 10**9)
    assert exactly_at_most(bad, of, bound - near) > Fraction(1, 20)
    assert exactly_at_most(bad, of, bound + near) < Fraction(1, 20)


def test_nothing_seen_or_nothing_good_bounds_nothing() -> None:
    assert upper_bound(0, 0) == upper_bound(1, 1) == upper_bound(9, 9) == 1.0


def test_more_good_drafts_lower_it_and_a_bad_one_raises_it() -> None:
    assert upper_bound(3, 100) < upper_bound(3, 99) < upper_bound(4, 99)


def test_it_holds_for_many() -> None:
    assert upper_bound(1000, 200_000) == pytest.approx(0.00527, abs=2e-5)


@pytest.mark.parametrize(("bad", "of"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(bad: int, of: int) -> None:
    with pytest.raises(ValueError, match="bad of"):
        upper_bound(bad, of)
