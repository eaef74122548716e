"""How a factor changes what a training looks like from inside: means by level and layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from suite.frame import HP
from suite.held import ordered_levels
from suite.trial import Level
from suite.vitals import FLOOR, Floats, Vitals, geometric, mean

COLUMNS = (
    *("task", "factor", "level", "layer"),
    *("gradient", "update", "dead", "saturated", "trials"),
)
Factors = Mapping[str, Sequence[Level]]


def health_by_level(rows: pd.DataFrame, factors: Factors, vitals: Vitals | None) -> pd.DataFrame:
    """One row a factor, level and layer with a kernel, each in the last epoch of its trials.

    Columns: `task`, `factor`, `level`, `layer`, `gradient` (norm) and `update` (over the weights'
    norm), both by geometric mean, `dead` and `saturated` (shares; NaN where there is none),
    `trials` (that have such a layer).

    Args:
        rows: of one task, as `suite.summary.of_task` gives them.
        factors: with the order of their levels.
        vitals: of these rows, in their order.
    """
    if vitals is None:
        return pd.DataFrame(columns=[*COLUMNS])
    parts = []
    for factor, order in factors.items():
        for level in ordered_levels(rows, factor, order):
            own = (rows[f"{HP}{factor}"] == level).to_numpy()
            gradient = vitals.gradient[own, -1]
            content = {
                "task": rows["task"].iloc[0],
                "factor": factor,
                "level": pd.Series([level] * len(vitals.layers), dtype=object),
                "layer": vitals.layers,
                "gradient": geometric(gradient),
                "update": geometric(vitals.update[own]),
                "dead": mean(vitals.dead[own]),
                "saturated": mean(vitals.saturated[own]),
                "trials": np.isfinite(gradient).sum(axis=0),
            }
            parts.append(pd.DataFrame(content)[[*COLUMNS]])
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS])
    whole = pd.concat(parts, ignore_index=True)
    return whole[whole["trials"] > 0].reset_index(drop=True)


def flows_of(
    rows: pd.DataFrame, factor: str, order: Sequence[Level], vitals: Vitals
) -> dict[Level, Floats]:
    """By level: the gradient's norm, geometric mean over trials, shape (MOMENTS, layers)."""
    column = rows[f"{HP}{factor}"]
    return {
        level: geometric(vitals.gradient[(column == level).to_numpy()])
        for level in ordered_levels(rows, factor, order)
    }


def change_of(rows: pd.DataFrame, factor: str, vitals: Vitals) -> float:
    """How much a factor changes the way of the gradient back to the input, in powers of ten.

    What counts is a layer's gradient over that of its trial's last layer: the difference between
    the levels with the largest and the smallest, mean over layers and moments.
    """
    logs = np.log10(np.maximum(vitals.gradient, FLOOR))
    relative = logs - _outermost(logs)
    column = rows[f"{HP}{factor}"]
    levels = column.dropna().unique()
    lines = np.stack([mean(relative[(column == level).to_numpy()]) for level in levels])
    lines = lines[np.isfinite(lines).any(axis=(1, 2))]
    shared = np.isfinite(lines).all(axis=0)
    if len(lines) < 2 or not shared.any():
        return 0.0
    return float(np.ptp(lines[:, shared], axis=0).mean())


def _outermost(logs: Floats) -> Floats:
    """The last layer that each trial has, shape (trials, MOMENTS, 1)."""
    known = np.isfinite(logs)
    last = logs.shape[2] - 1 - known[:, :, ::-1].argmax(axis=2)
    return np.take_along_axis(logs, last[:, :, None], axis=2)
