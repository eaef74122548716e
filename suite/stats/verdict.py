"""Helps, hurts, equivalent, or underpowered: one word for a comparison."""

from __future__ import annotations

import enum
import math

from suite.stats.intervals import Interval
from suite.stats.paired import fewest_pairs

ALPHA = 0.05
"""The rate of false findings that a family of comparisons is held to."""


class Verdict(enum.StrEnum):
    """What a comparison of a technique with its reference says."""

    HELPS = "helps"
    HURTS = "hurts"
    EQUIVALENT = "equivalent"  # the whole interval is inside the region of practical equivalence
    UNDERPOWERED = "underpowered"  # the sample says none of these


def verdict(
    interval: Interval, p_value: float, pairs: int, rope: float, alpha: float = ALPHA
) -> Verdict:
    """The verdict on a difference (higher is better).

    None is passed on fewer pairs than could have given a p-value of `alpha`. An interval inside the
    region of practical equivalence comes first: what is too small to be worth knowing is
    `equivalent`, however sure it is (the two one-sided tests of Schuirmann 1987, at half of alpha
    each, since the interval has 1 - alpha).

    Args:
        interval: of the difference, with coverage 1 - `alpha`.
        p_value: adjusted for all the hypotheses that share `alpha`.
        rope: differences up to this size are not worth knowing.
    """
    if pairs < fewest_pairs(alpha) or not math.isfinite(p_value):
        return Verdict.UNDERPOWERED
    if -rope <= interval.low and interval.high <= rope:
        return Verdict.EQUIVALENT
    if p_value <= alpha and interval.estimate > 0:
        return Verdict.HELPS
    if p_value <= alpha and interval.estimate < 0:
        return Verdict.HURTS
    return Verdict.UNDERPOWERED
