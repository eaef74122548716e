"""What n pairs would have found, and how many more would settle what they did not."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import chi2, nct
from scipy.stats import t as student

from suite.stats.looks import level_a_look, z_of
from suite.stats.paired import ENUMERATED, ROUNDING, fewest_pairs, flips

Floats = NDArray[np.float64]
Curve = Callable[[Floats, int, float], Floats]
"""The power of a test: of an effect in standard errors, shape (n,), on so many pairs, at alpha."""
WANTED = 0.8
"""The power with which the pairs asked for are to settle a comparison."""
MOST = 1000
"""More pairs than this are not asked for."""
CERTAIN = 1e6
"""An effect of so many standard errors is beyond doubt."""
TINY = 1e-150
SPREADS = 100
"""Quantiles that stand for what a standard error may be."""
SAMPLES = 400
STRENGTHS = np.linspace(0.0, 12.0, 25)
"""Where the power of the sign-flip test is simulated: effects in standard errors."""


def power(
    effect: float, error: float, pairs: int, alpha: float, curve: Curve | None = None
) -> float:
    """The chance that a two-sided paired test at `alpha` finds a mean difference of `effect`.

    `error` is an estimate, and the power at an estimate is too high in the mean: by 5 points from
    ten pairs, where the power is a half. So that excess, as it would be if `error` were the truth
    and estimated anew from normal differences, is taken off (the bootstrap's correction of bias,
    Efron & Tibshirani 1993, section 10.6, with quantiles in the place of draws).

    Args:
        error: estimated standard error of the mean difference, at `pairs` pairs.
        curve: of the test; `student_power` where none is given.
    """
    if pairs < 2 or not math.isfinite(effect) or not math.isfinite(error):
        return 0.0
    if error == 0:
        return 1.0 if effect and pairs >= fewest_pairs(alpha) else 0.0
    ratio = min(abs(effect) / error, CERTAIN)
    at = np.concatenate([[ratio], ratio / _spreads(pairs)])
    found = (curve or student_power)(at, pairs, alpha)
    return float(np.clip(2 * found[0] - found[1:].mean(), 0.0, 1.0))


@lru_cache(maxsize=64)
def _spreads(pairs: int) -> Floats:
    """Equally likely values of an estimated standard error over the true one."""
    shares = (np.arange(SPREADS) + 0.5) / SPREADS
    spreads: Floats = np.sqrt(chi2.ppf(shares, pairs - 1) / (pairs - 1))
    return spreads


def student_power(strengths: Floats, pairs: int, alpha: float) -> Floats:
    """The power of Student's paired t test, two-sided (noncentral t; Cohen 1988, section 2.3)."""
    bound = float(student.ppf(1 - alpha / 2, pairs - 1))
    above = nct.sf(bound, pairs - 1, strengths)
    below = np.nan_to_num(nct.cdf(-bound, pairs - 1, strengths))
    whole: Floats = np.minimum(1.0, above + below)
    return whole


def sign_flip_power(strengths: Floats, pairs: int, alpha: float) -> Floats:
    """The power of the sign-flip test on normal differences.

    It has that of Student's test from half as many pairs again as can reach `alpha`. With fewer,
    down to none where no p-value can be as small as `alpha`, it has less (by up to 0.25), and is
    simulated.
    """
    fewest = fewest_pairs(alpha)
    if pairs < fewest:
        return np.zeros_like(strengths)
    if 2 * pairs >= 3 * fewest or pairs > ENUMERATED:
        return student_power(strengths, pairs, alpha)
    return np.interp(strengths, STRENGTHS, _simulated(pairs, alpha))


@lru_cache(maxsize=64)
def _simulated(pairs: int, alpha: float) -> Floats:
    """The share of `SAMPLES` normal samples whose sign-flip test finds each of `STRENGTHS`."""
    noise = np.random.default_rng(pairs).standard_normal((SAMPLES, pairs))
    signs = np.where(flips(pairs), -1.0, 1.0)
    most = alpha * len(signs)
    found = []
    for strength in STRENGTHS / math.sqrt(pairs):
        sums = np.abs((noise + strength) @ signs.T)
        as_large = (sums >= sums[:, :1] * (1 - ROUNDING)).sum(axis=1)
        found.append(np.mean(as_large <= most))
    return np.array(found)


def more_pairs(
    effect: float, error: float, pairs: int, p_value: float, rope: float, tests: int, alpha: float
) -> float:
    """How many more pairs would probably settle a comparison, if its effect is what it seems.

    The fewest that have a chance of `WANTED` to end in a finding, or else in an interval inside the
    region of practical equivalence, both judged as a second look is (`suite.stats.looks`). Infinite
    where more than `MOST` are needed; NaN where nothing is known yet (fewer than two pairs).

    Args:
        effect, error: mean difference and its standard error, at `pairs` pairs.
        p_value: two-sided, of the pairs that there are.
        rope: differences up to this size are not worth knowing.
        tests: hypotheses that share the error rate (Holm's worst case).
        alpha: the error rate.
    """
    if pairs < 2 or not math.isfinite(effect) or not math.isfinite(error):
        return math.nan
    error = max(error, abs(effect) / CERTAIN, TINY)
    more = np.arange(1, MOST + 1)
    level = level_a_look(alpha, 2)
    settled = np.maximum(
        _finding(effect, error, pairs, p_value, more, level_a_look(alpha / max(tests, 1), 2)),
        _equivalence(effect, error, pairs, more, rope, level),
    )
    settled[pairs + more < fewest_pairs(alpha)] = 0.0
    enough = more[settled >= WANTED]
    return float(enough[0]) if len(enough) else math.inf


def _finding(
    effect: float, error: float, pairs: int, p_value: float, more: NDArray[np.int_], level: float
) -> Floats:
    """The chance that stage two, added to stage one, passes the bound of two looks.

    Stage two is to have a one-sided p-value of `least`; as in `power`, its chance is that of
    Student's t test.
    """
    least = float(ndtr(z_of(p_value / 2) - z_of(level / 2) * math.sqrt(2)))
    strength = abs(effect) / error * np.sqrt(more / pairs)
    bound = student.isf(least, np.maximum(more - 1, 1))
    chance = nct.sf(bound, np.maximum(more - 1, 1), np.minimum(strength, CERTAIN))
    return np.where((more > 1) & (0.5**more <= least), chance, 0.0)


def _equivalence(
    effect: float, error: float, pairs: int, more: NDArray[np.int_], rope: float, level: float
) -> Floats:
    """The chance that the interval of all pairs lies inside the region of practical equivalence.

    Only the pairs to come vary: the mean of all has their share of the standard error.
    """
    errors = error * np.sqrt(pairs / (pairs + more))
    reach = student.ppf(1 - level / 2, pairs + more - 1) * errors
    room = rope - reach
    scale = errors * np.sqrt(more / (pairs + more))
    inside = ndtr((room - effect) / scale) - ndtr((-room - effect) / scale)
    return np.where(room > 0, inside, 0.0)
