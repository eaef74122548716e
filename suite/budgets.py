"""Batch sizes held against each other after as many epochs, as many updates, as many seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.frame import HP
from suite.held import ordered_levels
from suite.measures import objective_of
from suite.summary import Judged, ranking
from suite.trial import Level, Outcome

FACTOR = "batch_size"
KINDS = ("epochs", "updates", "seconds")
COLUMNS = ("task", "level", *KINDS, *(f"at_{kind}" for kind in KINDS))


def budgets(
    rows: pd.DataFrame,
    judged: Judged,
    outcomes: Mapping[str, Outcome],
    order: Sequence[Level],
    train_rows: int,
) -> pd.DataFrame:
    """One row a batch size, each with the recipe that is best on validation.

    Columns: `task`, `level`; `epochs`, `updates` and `seconds` of one training, means over seeds;
    `at_<kind>`: the best objective on validation within the least such budget that any level has,
    mean over seeds; NaN where not one epoch fits it, or where a seed diverged before.

    Args:
        rows: of one task, as `suite.summary.of_task` gives them.
        order: of the levels.
        train_rows: rows of the training split.
    """
    found = []
    for level in ordered_levels(rows, FACTOR, order):
        own = rows[rows[f"{HP}{FACTOR}"] == level]
        first = ranking(own, judged)["trial"].iloc[0]
        recipe = own.loc[own["trial"] == first, "recipe"].iloc[0]
        trials = [outcomes[trial] for trial in own.loc[own["recipe"] == recipe, "trial"]]
        found.append((level, trials, _costs(int(level), trials, train_rows)))
    least = {kind: min((costs[kind] for *_, costs in found), default=0.0) for kind in KINDS}
    table = [
        {
            "task": judged.task,
            "level": level,
            **costs,
            **{f"at_{kind}": _within(least[kind], costs, kind, trials, judged) for kind in KINDS},
        }
        for level, trials, costs in found
    ]
    return pd.DataFrame(table, columns=[*COLUMNS])


def _costs(size: int, trials: Sequence[Outcome], train_rows: int) -> dict[str, float]:
    """What one training takes, of each kind."""
    epochs = trials[0].trial.epochs
    steps = max(1, train_rows // (min(size, train_rows) or train_rows))
    seconds = float(np.mean([own.seconds for own in trials]))
    return {"epochs": float(epochs), "updates": float(epochs * steps), "seconds": seconds}


def _within(
    budget: float,
    costs: Mapping[str, float],
    kind: str,
    trials: Sequence[Outcome],
    judged: Judged,
) -> float:
    """The best objective of the epochs that a budget pays for, mean over trials."""
    paid = int(budget / costs[kind] * costs["epochs"] + 1e-9) if costs[kind] else 0
    curves: list[NDArray[np.float64]] = [objective_of(own, judged) for own in trials]
    if paid < 1 or any(len(curve) < paid for curve in curves):
        return math.nan
    sign = 1.0 if judged.direction == "min" else -1.0
    return sign * float(np.mean([curve[:paid].min() for curve in curves]))
