"""From the name of a tuner to its oracle, with the space declared beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_tuner

from suite.errors import UsageError, unknown
from suite.search.grid import GridOracle
from suite.search.sampled import OptunaOracle
from suite.search.study import TUNERS

FACTOR = 3
"""Hyperband keeps one of so many; Li et al. (2018) use 3 or 4."""

STRIDE = 1_000_003
PRIME = 2**32 - 5  # the largest prime below 2**32, where the seeds that NumPy takes end
ENDLESS = 10**9
"""More trials than any search has: the budget is counted by whoever asks."""


def oracle_for(
    name: str,
    objective: keras_tuner.Objective,
    space: keras_tuner.HyperParameters,
    *,
    trials: int,
    epochs: int,
    seed: int,
) -> keras_tuner.Oracle:
    """A fresh oracle of the tuner `name` over `space`, which is copied.

    No oracle ends the search of itself before the space is used up: whoever asks it counts the
    budget. No number of failed trials ends it either.

    Args:
        trials: the budget in full trainings.
        epochs: epochs of a full training.
        seed: from 0; equal seeds give equal oracles.

    Raises:
        UsageError: no tuner has that name, or the seed is negative.
    """
    if name not in MAKERS:
        raise unknown("tuner", name, TUNERS)
    common: dict[str, Any] = {
        "objective": objective,
        "hyperparameters": space.copy(),
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": spread_seed(seed),
        "max_consecutive_failed_trials": ENDLESS,
    }
    return MAKERS[name](common, trials, epochs)


def spread_seed(seed: int) -> int:
    """A seed from 1 to 2**32 - 5 for the search of number `seed`, far from that of its neighbours.

    To KerasTuner 0 means a seed by chance. And it draws value i of a search from a generator seeded
    with seed + i: searches of neighbouring seeds would try the same recipes, one trial shifted.
    """
    if seed < 0:
        raise UsageError(f"Expected a seed from 0 on. Received: seed={seed}.")
    return 1 + seed * STRIDE % PRIME


def _grid(common: dict[str, Any], _trials: int, _epochs: int) -> keras_tuner.Oracle:
    """Shuffled: a budget smaller than the grid would else see the first levels only.

    In the order of declaration the last hyperparameter varies fastest, so that the first one would
    not leave its first level before the budget is spent. A shuffled grid is random search without
    replacement on the grid's levels.
    """
    return GridOracle(max_trials=ENDLESS, shuffle=True, **common)


def _random(common: dict[str, Any], _trials: int, _epochs: int) -> keras_tuner.Oracle:
    return keras_tuner.oracles.RandomSearchOracle(max_trials=ENDLESS, **common)


def _bayesian(common: dict[str, Any], _trials: int, _epochs: int) -> keras_tuner.Oracle:
    """As KerasTuner has it: random until three trials a dimension, where a fixed value is none."""
    fixed = keras_tuner.engine.hyperparameters.Fixed
    free = [own for own in common["hyperparameters"].space if not isinstance(own, fixed)]
    return keras_tuner.oracles.BayesianOptimizationOracle(
        max_trials=ENDLESS, num_initial_points=3 * max(len(free), 1), **common
    )


def _hyperband(common: dict[str, Any], trials: int, epochs: int) -> keras_tuner.Oracle:
    """Every iteration over the brackets costs more than one full training, so `trials` suffice."""
    return keras_tuner.oracles.HyperbandOracle(
        max_epochs=epochs, factor=FACTOR, hyperband_iterations=trials, **common
    )


def _tpe(common: dict[str, Any], _trials: int, _epochs: int) -> keras_tuner.Oracle:
    return OptunaOracle(max_trials=ENDLESS, **common)


MAKERS: dict[str, Callable[[dict[str, Any], int, int], keras_tuner.Oracle]] = {
    "grid": _grid,
    "random": _random,
    "bayesian": _bayesian,
    "hyperband": _hyperband,
    "tpe": _tpe,
}

__all__ = ["TUNERS", "oracle_for", "spread_seed"]
