"""What a p-value is worth that stands among others (Holm), or that was looked at twice (Pocock)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
TINY = 1e-12
NODES, WEIGHTS = leggauss(200)
FAR = 9.0
"""Standard deviations beyond which a normal density is nothing."""


def holm(p_values: ArrayLike) -> Floats:
    """P-values adjusted by Holm 1979, shape (m,); the chance of any false finding stays at alpha.

    NaNs are no tests: they stay NaN and do not count. (statsmodels' `multipletests` gives the same,
    and collects garbage at every call, a third of a second beside a large table.)
    """
    values: Floats = np.asarray(p_values, np.float64)
    adjusted = np.full(len(values), math.nan)
    order = np.argsort(values)[: np.isfinite(values).sum()]  # NaNs are sorted behind
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def z_of(p_greater: float) -> float:
    """The normal quantile of a one-sided p-value, finite also at 0 and 1."""
    return -float(ndtri(min(max(p_greater, TINY), 1 - TINY)))


def _exceeds(bound: float, looks: int) -> float:
    """The chance that the running combination of `looks` equal stages ever exceeds `bound`.

    By the recursion of Armitage, McPherson & Rowe 1969: the density of the running sum that has
    stayed below its bound so far, times the chance that the next stage lifts it above the next one.
    """
    total = float(ndtr(-bound))
    sums, density = np.zeros(1), np.ones(1)  # density: times the nodes' weights
    for look in range(1, looks):
        top = bound * math.sqrt(look)
        low = min(-FAR * math.sqrt(look), top - FAR)
        nodes = (top + low) / 2 + (top - low) / 2 * NODES
        steps = np.exp(-((nodes[:, None] - sums) ** 2) / 2) / math.sqrt(2 * math.pi)
        sums, density = nodes, (top - low) / 2 * WEIGHTS * (steps @ density)
        total += float(density @ ndtr(sums - bound * math.sqrt(look + 1)))
    return total


def repeated_p(
    stages: Sequence[float], looks: int, opposite: Sequence[float] | None = None
) -> float:
    """Two-sided p-value of a hypothesis that was looked at after each of several stages.

    Stages are independent of each other (fresh seeds), their number of pairs may have been chosen
    after looking at the stages before: each stage's one-sided p-value becomes a normal quantile,
    the quantiles are added with equal weights that were fixed beforehand (inverse normal
    combination: Lehmacher & Wassmer 1999), and the largest running sum is held against bounds that
    are the same at every look (Pocock 1977). The value is the least level at which one of the looks
    would have rejected, so that to compare it with alpha after any look keeps the error at alpha.

    Args:
        stages: for each stage so far, the one-sided p-value of "greater".
        looks: how many looks there are to be in all; at least as many as stages.
        opposite: for each stage so far, the one-sided p-value of "less". Without it, 1 - "greater"
            stands in, which is right for a continuous test alone: an exact test of six pairs that
            all are negative has 1 for "greater", and 1/64, not 0, for "less".
    """
    less = [1 - p for p in stages] if opposite is None else opposite
    either = [_exceeds(_largest_sum(own), looks) for own in (stages, less)]
    return float(min(1.0, 2 * min(either)))


def _largest_sum(p_values: Sequence[float]) -> float:
    """The largest of the running combinations of one-sided p-values, as a normal quantile."""
    z = np.array([z_of(p) for p in p_values])
    return float((np.cumsum(z) / np.sqrt(np.arange(1, len(z) + 1))).max())


@lru_cache(maxsize=64)
def level_a_look(alpha: float, looks: int) -> float:
    """The two-sided level of each look that makes `looks` of them keep `alpha` (Pocock 1977).

    >>> round(level_a_look(0.05, 1), 4), round(level_a_look(0.05, 2), 4)
    (0.05, 0.0294)
    """
    if looks == 1:
        return alpha
    bound = brentq(lambda b: 2 * _exceeds(b, looks) - alpha, 0.5, 8.0, xtol=1e-6)
    return 2 * float(ndtr(-bound))
