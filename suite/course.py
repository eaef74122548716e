"""The course of trainings by level: how soon they learn, what they overfit, how sparse they end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from suite.frame import HP
from suite.held import ordered_levels
from suite.measures import epochs_to, measured, target
from suite.summary import Judged, ranking
from suite.trial import Level, Outcome

COLUMNS = (
    *("task", "factor", "level", "target", "tuned", "matrix", "reached"),
    *("gap", "rises", "sparsity", "trials"),
)
MEANS = ("gap", "rises", "sparsity")


def course(
    rows: pd.DataFrame,
    judged: Judged,
    outcomes: Mapping[str, Outcome],
    factors: Mapping[str, Sequence[Level]],
    best: NDArray[Any],
) -> pd.DataFrame:
    """One row a factor and level.

    Columns: `task`, `factor`, `level`, `target` (the objective on validation that is to be reached,
    `suite.measures.target`), `tuned` (median epochs until then of the level's recipe that is best
    on validation), `matrix` (of all its trials), `reached` (share of its trials that do), means of
    the measures `gap`, `rises` and `sparsity` over its trials, and `trials`. A trial that never
    reaches the target counts as one epoch more than any has. Empty where no curves are known.
    """
    found = [outcomes[trial] for trial in rows["trial"]]
    goal = target(found, judged, best)
    if not math.isfinite(goal):
        return pd.DataFrame(columns=[*COLUMNS])
    most = max((own.trial.epochs for own in found), default=0)
    needed = pd.Series([epochs_to(own, judged, goal, most) for own in found], rows.index)
    means = {name: measured(name, rows, judged, outcomes, best) for name in MEANS}
    sign = 1.0 if judged.direction == "min" else -1.0
    table = []
    for factor, order in factors.items():
        for level in ordered_levels(rows, factor, order):
            own = rows[rows[f"{HP}{factor}"] == level]
            first = ranking(own, judged)["trial"].iloc[0]
            tuned = own[own["recipe"] == own.loc[own["trial"] == first, "recipe"].iloc[0]]
            table.append(
                {
                    "task": judged.task,
                    "factor": factor,
                    "level": level,
                    "target": sign * goal,
                    "tuned": float(needed[tuned.index].median()),
                    "matrix": float(needed[own.index].median()),
                    "reached": float((needed[own.index] <= most).mean()),
                    **{name: float(values[own.index].mean()) for name, values in means.items()},
                    "trials": len(own),
                }
            )
    return pd.DataFrame(table, columns=[*COLUMNS]).astype({"level": object})
