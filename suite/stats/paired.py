"""Do two arms differ, over pairs? Exact tests; the probability that one beats the other."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
ENUMERATED = 14
"""Up to so many pairs every flip of signs is looked at: 8,192, each standing for its opposite."""
DRAWN = 9_999
ROUNDING = 1e-12


@lru_cache(maxsize=32)
def flips(pairs: int, seed: int = 0) -> NDArray[np.bool_]:
    """Which pairs change sides, shape (flips, pairs); the first row changes none.

    All there are up to `ENUMERATED` pairs, where a flip and its opposite count as one (the last
    pair never changes sides); `DRAWN` random ones and the first beyond that.
    """
    if pairs <= ENUMERATED:
        numbers = np.arange(2 ** max(pairs - 1, 0))
        every: NDArray[np.bool_] = (numbers[:, None] >> np.arange(pairs)) & 1 == 1
        return every
    drawn = np.random.default_rng(seed).random((DRAWN + 1, pairs)) < 0.5
    drawn[0] = False
    return drawn


def sign_flip(differences: ArrayLike, alternative: str = "two-sided") -> float:
    """P-value of the sign-flip test of a mean of 0 over paired differences, shape (pairs,).

    Exact up to `ENUMERATED` pairs, for any distribution that is symmetric under the hypothesis
    (Fisher 1935; Pitman 1937); beyond that, from `DRAWN` random flips and the sample itself, which
    is valid, too, but never below 1 / (`DRAWN` + 1). NaN without pairs, and where a difference is
    not finite: it has no mean. `alternative`: "two-sided", "greater" or "less".
    """
    values: Floats = np.asarray(differences, np.float64)
    if not len(values) or not np.isfinite(values).all():
        return math.nan
    signs = np.where(flips(len(values)), -1.0, 1.0)
    sums = signs @ values
    if len(values) <= ENUMERATED:  # each row stands for its opposite, too
        sums = np.concatenate([sums, -sums])
    slack = ROUNDING * float(np.abs(values).sum())
    if alternative == "two-sided":
        return float(np.mean(np.abs(sums) >= abs(sums[0]) - slack))
    side = 1.0 if alternative == "greater" else -1.0
    return float(np.mean(side * sums >= side * sums[0] - slack))


def wilcoxon(differences: ArrayLike) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test (1945), with ties as well.

    The sign-flip test of the signed ranks, so exact up to `ENUMERATED` differences; those of 0 are
    left out, as Wilcoxon did. 1 where none is left. An infinite difference ranks last; NaN gives
    NaN.
    """
    values: Floats = np.asarray(differences, np.float64)
    values = values[values != 0]
    return sign_flip(np.sign(values) * rankdata(np.abs(values))) if len(values) else 1.0


def superiority(differences: ArrayLike) -> float:
    """Probability that a pair's first beats its second, ties counted half (Grissom & Kim 2005).

    NaN without pairs, and where a difference is NaN.

    >>> superiority([0.2, 0.1, 0.0, -0.1])
    0.625
    """
    values: Floats = np.asarray(differences, np.float64)
    return float(np.heaviside(values, 0.5).mean()) if len(values) else math.nan


def fewest_pairs(alpha: float) -> int:
    """The least number of pairs whose smallest two-sided p-value, 2 / 2^n, reaches `alpha`.

    >>> fewest_pairs(0.05), fewest_pairs(0.05 / 8)
    (6, 9)
    """
    return math.ceil(math.log2(2 / alpha))
