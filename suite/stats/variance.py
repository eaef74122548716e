"""Which factors, alone and in pairs, make a metric vary: shares of the variance over a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution

Floats = NDArray[np.float64]
RESAMPLES = 999
LEVEL = 0.95
FOREST_TRIALS = 400
"""Trials that a forest is grown on: its cost grows with their square."""


@dataclass(frozen=True)
class Share:
    """The share of the variance that a factor, or the interaction of two, accounts for.

    Attributes:
        factors: one name, or two.
        share: between 0 and 1; the variance is that of the cells' means over seeds.
        low, high: 95% bootstrap interval over seeds; NaN where seeds are too few (or for a forest,
            the spread over repeated forests).
    """

    factors: tuple[str, ...]
    share: float
    low: float
    high: float


def decomposition(cells: Floats, factors: Sequence[str], seed: int = 0) -> list[Share]:
    """Main effects and two-way interactions of a balanced matrix, exactly.

    The classical decomposition of the sum of squares of a full factorial design (Fisher 1925): a
    main effect is the variance of the means of a factor's levels; an interaction is what the means
    of two factors' levels together vary beyond both. What is left belongs to higher orders.

    Args:
        cells: one axis a factor, last axis seeds.
        factors: their names, in the order of the axes.
    """
    seeds = cells.shape[-1]
    whole = _shares(cells.mean(axis=-1)[..., None], factors)
    draws: Mapping[tuple[str, ...], Floats] = {}
    if seeds > 2:
        picks = np.random.default_rng(seed).multinomial(
            seeds, np.full(seeds, 1 / seeds), size=RESAMPLES
        )
        draws = _shares(cells @ (picks.T / seeds), factors)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found = []
    for names, share in whole.items():
        low, high = np.nanquantile(draws[names], tails) if draws else (math.nan, math.nan)
        found.append(Share(names, float(share[0]), float(low), float(high)))
    return found


def _shares(means: Floats, factors: Sequence[str]) -> dict[tuple[str, ...], Floats]:
    """Shares of every main effect and pair; the last axis of `means` holds resamples."""
    axes = tuple(range(len(factors)))
    total = means.var(axis=axes)
    safe = np.where(total > 0, total, np.nan)

    def of(kept: tuple[int, ...]) -> Floats:
        others = tuple(axis for axis in axes if axis not in kept)
        variance: Floats = means.mean(axis=others).var(axis=tuple(range(len(kept))))
        return variance

    alone = {i: of((i,)) for i in axes}
    shares: dict[tuple[str, ...], Floats] = {(factors[i],): alone[i] / safe for i in axes}
    for i, j in combinations(axes, 2):
        shares[factors[i], factors[j]] = (of((i, j)) - alone[i] - alone[j]) / safe
    return {names: np.maximum(np.nan_to_num(share), 0.0) for names, share in shares.items()}


def forest_importance(
    design: pd.DataFrame, scores: Floats, seed: int = 0, repeats: int = 3
) -> list[Share]:
    """Main effects of an unbalanced design by fANOVA (Hutter et al. 2014), Optuna's.

    The design must not have been chosen by looking at the scores: a search's trials crowd where it
    is good, and a forest over them says nothing about the rest.

    Args:
        design: one column a factor, one row a trial.
        scores: shape (trials,), finite. Where they do not vary, every share is 0.
    """
    found: dict[str, list[float]] = {str(name): [] for name in design}
    for repeat in range(repeats):
        random = np.random.default_rng([seed, repeat])
        rows = random.permutation(len(design))[:FOREST_TRIALS]
        if np.ptp(scores[rows]) == 0:
            return [Share((name,), 0.0, 0.0, 0.0) for name in found]
        study = _study(design.iloc[rows], scores[rows])
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=32, seed=seed + repeat)
        for name, share in evaluator.evaluate(study).items():
            found[name].append(float(share))
    return [
        Share((name,), float(np.mean(own)), float(np.min(own)), float(np.max(own)))
        for name, own in found.items()
        if own
    ]


def _study(design: pd.DataFrame, scores: Floats) -> optuna.Study:
    """An Optuna study in memory that holds the trials."""
    distributions: dict[str, BaseDistribution] = {
        str(name): _distribution(design[name]) for name in design
    }
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else it tells of the study on stderr
    try:
        study = optuna.create_study()
    finally:
        optuna.logging.set_verbosity(before)
    study.add_trials(
        [
            optuna.create_trial(params=params, distributions=distributions, value=float(score))
            for params, score in zip(_params(design), scores, strict=True)
        ]
    )
    return study


def _params(design: pd.DataFrame) -> Iterator[dict[str, str]]:
    for row in design.astype(str).itertuples(index=False, name=None):
        yield dict(zip(map(str, design), row, strict=True))


def _distribution(column: pd.Series[str]) -> CategoricalDistribution:
    return CategoricalDistribution(sorted(column.astype(str).unique()))
