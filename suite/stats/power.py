"""What n pairs would have found, and how many more would settle what they did not."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import nct
from scipy.stats import t as student

from suite.stats.looks import level_a_look, z_of
from suite.stats.paired import fewest_pairs

Floats = NDArray[np.float64]
WANTED = 0.8
"""The power with which the pairs asked for are to settle a comparison."""
MOST = 1000
CERTAIN = 1e6
"""An effect of so many standard errors is beyond doubt."""
TINY = 1e-150
"""More pairs than this are not asked for."""


def power(effect: float, error: float, pairs: int, alpha: float) -> float:
    """The chance that a two-sided paired test at `alpha` finds a mean difference of `effect`.

    That of Student's t test on normal differences (noncentral t; Cohen 1988, section 2.3); 0 where
    so few pairs can reach no p-value of `alpha`. The sign-flip test has nearly as much from half as
    many pairs again as can reach `alpha`; with hardly enough it falls short, by up to 0.25.

    Args:
        error: standard error of the mean difference, at `pairs` pairs.
    """
    if pairs < fewest_pairs(alpha) or not math.isfinite(effect) or not math.isfinite(error):
        return 0.0
    if error == 0:
        return 1.0 if effect else 0.0
    bound = float(student.ppf(1 - alpha / 2, pairs - 1))
    ratio = abs(effect) / error
    above = float(nct.sf(bound, pairs - 1, ratio))
    below = float(nct.cdf(-bound, pairs - 1, ratio))
    return min(1.0, above + (below if math.isfinite(below) else 0.0))


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
