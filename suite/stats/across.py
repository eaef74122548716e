"""What holds over tasks: Friedman's test, who differs from whom, and what it could have found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scikit_posthocs import posthoc_conover_friedman
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from suite.stats.intervals import Interval, bootstrap_mean
from suite.stats.looks import holm

Floats = NDArray[np.float64]
ENOUGH_TASKS = 10
"""Below this, effects are shown and no ranks are claimed (Demsar 2006: N > 10, k > 5)."""
SIMULATED = 2000


@dataclass(frozen=True)
class Ranking:
    """How treatments rank over blocks (techniques over tasks, tuners over repeats).

    Attributes:
        ranks: mean rank of each treatment; 1 is best.
        p_value: of Friedman's test (1937) that all rank alike; NaN below three treatments or two
            blocks.
        pairwise: Holm-adjusted p-values of Conover's test for each pair, by name; none below the
            least that Friedman's exact test can give, the chance that all blocks agree.
        critical_difference: of mean ranks, at 5% (Nemenyi; Demsar 2006).
        power: the chance that Friedman's test at 5%, with so many blocks, finds treatments whose
            neighbours lie half a standard deviation apart.
        claimed: whether there are blocks enough for a claim about ranks.
    """

    ranks: pd.Series[float]
    p_value: float
    pairwise: pd.DataFrame
    critical_difference: float
    power: float
    claimed: bool


def ranking_over(scores: pd.DataFrame, seed: int = 0) -> Ranking:
    """Rank the columns (treatments) of `scores` over its rows (blocks); higher is better.

    Args:
        scores: no NaN; without rows, no treatment has a rank.
        seed: of the power's simulation.
    """
    blocks, treatments = scores.shape
    every = rankdata(-scores.to_numpy(float), axis=1)
    ranks = pd.Series(every.mean(axis=0) if blocks else math.nan, index=scores.columns, dtype=float)
    nothing = pd.DataFrame(math.nan, index=scores.columns, columns=scores.columns)
    if treatments < 3 or blocks < 2:
        return Ranking(ranks, math.nan, nothing, math.nan, 0.0, False)
    p_value = _friedman(scores.to_numpy(float))
    return Ranking(
        ranks=ranks,
        p_value=p_value,
        pairwise=pd.DataFrame(
            _conover(scores.to_numpy(float)), index=scores.columns, columns=scores.columns
        ),
        critical_difference=critical_difference(treatments, blocks),
        power=friedman_power(treatments, blocks, seed=seed),
        claimed=blocks >= ENOUGH_TASKS,
    )


def _friedman(scores: Floats) -> float:
    """P-value of Friedman's test over rows; 1 where every row is a tie."""
    if np.all(np.ptp(scores, axis=1) == 0):
        return 1.0
    return float(friedmanchisquare(*scores.T).pvalue)


def _conover(scores: Floats) -> Floats:
    """Holm-adjusted p-values of Conover's test for each pair of columns."""
    blocks, treatments = scores.shape
    if np.all(np.ptp(scores, axis=1) == 0):
        return np.ones((treatments, treatments))
    with np.errstate(divide="ignore", invalid="ignore"):  # no variance left where all rows agree
        raw = posthoc_conover_friedman(scores).to_numpy(float)
    upper = np.triu_indices(treatments, 1)
    least = float(math.factorial(treatments)) ** (1 - blocks)
    found = np.ones((treatments, treatments))
    found[upper] = np.maximum(holm(np.nan_to_num(raw[upper], nan=1.0)), least)
    return np.minimum(found, found.T)


def critical_difference(treatments: int, blocks: int, alpha: float = 0.05) -> float:
    """The difference of mean ranks that Nemenyi's test calls significant (Demsar 2006, eq. 5).

    >>> round(critical_difference(4, 14), 3)
    1.254
    """
    q = float(studentized_range.ppf(1 - alpha, treatments, np.inf)) / math.sqrt(2)
    return q * math.sqrt(treatments * (treatments + 1) / (6 * blocks))


def friedman_power(
    treatments: int, blocks: int, step: float = 0.5, alpha: float = 0.05, seed: int = 0
) -> float:
    """The chance that Friedman's test finds treatments `step` standard deviations apart.

    By simulation: normal scores, neighbours `step` apart.
    """
    random = np.random.default_rng(seed)
    scores = random.normal(size=(SIMULATED, blocks, treatments)) + step * np.arange(treatments)
    ranks = rankdata(scores, axis=2).mean(axis=1)
    middle = (treatments + 1) / 2
    chi = 12 * blocks / (treatments * (treatments + 1)) * ((ranks - middle) ** 2).sum(axis=1)
    null = rankdata(random.normal(size=(SIMULATED, blocks, treatments)), axis=2).mean(axis=1)
    chi_null = 12 * blocks / (treatments * (treatments + 1)) * ((null - middle) ** 2).sum(axis=1)
    return float(np.mean(chi > np.quantile(chi_null, 1 - alpha)))


def over_tasks(effects: ArrayLike) -> Interval:
    """Mean effect over tasks, with an interval that resamples the tasks; shape (tasks,).

    Tasks are the sample: another task is another draw (Bouthillier et al. 2021). Few tasks give
    Student's t interval, and no interval at all where there is one.
    """
    return bootstrap_mean(effects)
