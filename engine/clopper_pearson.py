"""The exact bound on a rate of which a few trials were seen (Clopper and Pearson, 1934).

Of `of` drafts `bad` were bad. The bound is the highest rate that is still believable: at
any higher one, so few bad drafts would be seen in fewer than 5 of 100 such series. Where
none was bad it is 1 - 0.05 ** (1 / of): 59 clean drafts allow for 5 %, 299 for 1 %.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

DOUBT = 0.05


def upper_bound(bad: int, of: int, doubt: float = DOUBT) -> float:
    """The one-sided upper bound, 0 to 1; 1.0 where nothing speaks against it."""
    if not 0 <= bad <= of:
        raise ValueError(f"{bad} bad of {of}")
    if bad == of:
        return 1.0
    low, high = bad / of, 1.0
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            # The end that errs to the side of caution.
            return high
        if at_most(bad, of, middle) > doubt:
            low = middle
        else:
            high = middle


def at_most(bad: int, of: int, rate: float) -> float:
    """The probability of `bad` or fewer among `of` at this rate: a binomial's lower tail.
    For a rate above bad / of, where the terms fall from the first one on."""
    term = exp(
        lgamma(of + 1)
        - lgamma(bad + 1)
        - lgamma(of - bad + 1)
        + (bad * log(rate) if bad else 0.0)
        + (of - bad) * log1p(-rate)
    )
    total = term
    for n in range(bad, 0, -1):
        term *= n / (of - n + 1) * (1 - rate) / rate
        total += term
        if term < total * 1e-18:
            break
    return total
