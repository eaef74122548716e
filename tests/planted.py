"""A matrix with effects that were put there."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from example import outcome

from suite.trial import Outcome

LEVELS = {"batch_norm": (False, True), "l2": (0.0, 0.1), "lr": (0.01, 0.1, 1.0)}
RATES = {0.01: 0.00, 0.1: 0.02, 1.0: -0.02}
"""What each learning rate, the nuisance factor, adds to the score."""


def planted(
    effects: Mapping[str, float], seeds: int, noise: float = 0.005, task: str = "churn"
) -> list[Outcome]:
    """Batch normalization x L2 x learning rate x seeds; a factor's last level adds its effect.

    The score is 0.8 with an AUC's sign, the objective its distance from 1; both have a part that
    all cells of a seed share, and noise of their own.
    """
    random = np.random.default_rng(7)
    found = []
    for seed in range(seeds):
        shared = random.normal(0, noise, 2)
        for cell in product(*LEVELS.values()):
            hp = dict(zip(LEVELS, cell, strict=True))
            gain = sum(e for name, e in effects.items() if hp[name] == LEVELS[name][-1])
            own = 0.8 + gain + RATES[hp["lr"]] + random.normal(0, noise, 2) + shared
            found.append(outcome(hp, seed, (1 - own[0], own[0], own[1]), task=task))
    return found
