"""How good searches are: pure statistics on the scores that they found and what those cost.

A score is an objective; `direction` is "min" or "max". A trial that diverged has no score (NaN). It
ranks last: it counts as `par`, and so does every trial that is worse than par, because one loss
of 10^6 would otherwise decide a mean over searches. Par is what half of all trials of random search
reach, so it bears on the very first trainings of a search only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from suite.stats.intervals import Interval, bootstrap_mean, paired_effect

Floats = NDArray[np.float64]
ROUNDING = 1e-9
"""Costs are sums of fractions; a training that ends at a point is finished there."""


def sign_of(direction: str) -> float:
    """1 where less is better, -1 where more is."""
    return 1.0 if direction == "min" else -1.0


def par_of(scores: ArrayLike, direction: str) -> float:
    """The median of scores, where those that are no number rank last; finite if any score is.

    >>> par_of([0.1, 0.2, float("nan")], "min"), par_of([0.1, 0.2, float("nan")], "max")
    (0.2, 0.1)
    """
    losses = sign_of(direction) * np.asarray(scores, np.float64)
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return float("nan")
    ranked = np.sort(np.where(np.isfinite(losses), losses, np.inf))
    middle = ranked[len(ranked) // 2]
    return sign_of(direction) * float(min(middle, finite.max()))


def best_score(scores: ArrayLike, direction: str) -> float:
    """The best of scores; NaN where none is a finite number."""
    losses = sign_of(direction) * np.asarray(scores, np.float64)
    finite = losses[np.isfinite(losses)]
    return sign_of(direction) * float(finite.min()) if len(finite) else float("nan")


def best_so_far(
    costs: ArrayLike, scores: ArrayLike, points: ArrayLike, direction: str, par: float
) -> Floats:
    """What one search has reached when it has spent so much, shape (points,).

    Args:
        costs: spent up to and with each trial, ascending, shape (trials,).
        scores: of the trials; NaN for a diverged one.
        points: where to look, in the unit of `costs`. A search that has finished no trial yet has
            no value there (NaN); one that ended earlier keeps what it has.
        par: what a trial without a score, or with a worse one, counts as.
    """
    sign = sign_of(direction)
    spent = np.asarray(costs, np.float64)
    losses = sign * np.asarray(scores, np.float64)
    losses = np.where(np.isfinite(losses), losses, np.inf)
    incumbent = np.minimum(np.minimum.accumulate(losses), sign * par)
    finished = np.searchsorted(spent, np.asarray(points, np.float64) + ROUNDING, side="right")
    return sign * np.append(np.nan, incumbent)[finished]


def curves_of(asks: pd.DataFrame, points: ArrayLike, direction: str, par: float) -> pd.DataFrame:
    """`best_so_far` of every search of one tuner: a row a repeat, a column a point."""
    ordered = asks.sort_values(["repeat", "number"])
    rows = {
        repeat: best_so_far(own["cost"], own["score"], points, direction, par)
        for repeat, own in ordered.groupby("repeat")
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=np.asarray(points, np.float64))


def expected_best(curve: ArrayLike, **options: Any) -> Interval:
    """Mean over repeats of what searches had reached at one point, with its bootstrap interval.

    NaN where one of the searches had finished no trial yet. `options` as for `bootstrap_mean`.
    """
    return bootstrap_mean(curve, **options)


def expected_best_of_draws(scores: ArrayLike, most: int, direction: str, par: float) -> Floats:
    """Expected best of 1..`most` draws, estimated from all n independent draws; shape (most,).

    Dodge et al. 2019, "Show Your Work: Improved Reporting of Experimental Results": the best of m
    draws with replacement from the n scores, sorted from best to worst, is the i-th with
    probability ((n-i+1)/n)^m - ((n-i)/n)^m. Good for random search only, whose trials are
    independent of each other; less noisy than a mean over searches. Raises ValueError for no
    scores.
    """
    sign = sign_of(direction)
    losses = sign * np.asarray(scores, np.float64)
    if not len(losses):
        raise ValueError("Expected at least one score. Received: scores=[].")
    ranked = np.sort(np.minimum(np.where(np.isfinite(losses), losses, np.inf), sign * par))
    left = np.arange(len(ranked), -1, -1) / len(ranked)
    powers = left[:, None] ** np.arange(1, most + 1)
    return sign * (ranked @ (powers[:-1] - powers[1:]))


def regret(curve: pd.DataFrame, known: float | Mapping[int, float], direction: str) -> pd.DataFrame:
    """How far curves are from the best score known, at least 0 where that is the best there is.

    Args:
        curve: as `curves_of` gives it.
        known: the best score known, one for all or by repeat.
    """
    target = pd.Series(known, dtype=float) if isinstance(known, Mapping) else known
    if isinstance(target, pd.Series):
        return sign_of(direction) * curve.sub(target.reindex(curve.index), axis=0)
    return sign_of(direction) * (curve - target)


def area(regrets: pd.DataFrame) -> pd.Series[float]:
    """Area under the regret curve of each repeat: its mean over the points."""
    return regrets.mean(axis=1, skipna=False)


def paired_difference(values: pd.Series[float], reference: pd.Series[float]) -> Interval:
    """Mean of `values - reference` over the repeats that both hold, with its interval.

    Both are indexed by repeat; NaNs pair with nothing.
    """
    shared = values.dropna().index.intersection(reference.dropna().index)
    return paired_effect(values[shared].to_numpy(), reference[shared].to_numpy())


def seconds_of(asks: pd.DataFrame) -> tuple[float, float]:
    """Seconds of the oracle and of training that one search of these took, on the mean."""
    per_search = asks.groupby("repeat")[["oracle_seconds", "train_seconds"]].sum().mean()
    return float(per_search["oracle_seconds"]), float(per_search["train_seconds"])
