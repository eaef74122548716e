"""What the trials of one task say: best recipes, and the levels of each factor compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from suite.frame import HP, factor_columns, recipe_columns
from suite.stats import Interval, paired_effect, spread
from suite.trial import Level

MATRIX = "average over the matrix"
TUNED = "everything else tuned"


@dataclass(frozen=True)
class Judged:
    """How a task is judged, as `run.json` holds it.

    Attributes:
        metric: name of the metric; higher is better.
        objective: the log that selected, without `val_`; `direction` is "min" or "max".
        trivial: the trivial predictor's metric on "val" and "test"; a diverged trial counts as it.
        trivial_name: that predictor in words.
    """

    task: str
    metric: str
    objective: str
    direction: str
    trivial: Mapping[str, float]
    trivial_name: str

    @property
    def worst(self) -> float:
        """An objective that loses against every other."""
        return float("inf") if self.direction == "min" else float("-inf")


def judged_of(name: str, task: Mapping[str, Any]) -> Judged:
    """How a task is judged, from its part of `run.json`."""
    keys = ("metric", "objective", "direction", "trivial", "trivial_name")
    return Judged(task=name, **{key: task[key] for key in keys})


def of_task(frame: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """The rows of one task that ended, with columns `objective`, `val`, `test` and `recipe`.

    A diverged trial has the worst objective and the trivial predictor's score. A failed one says
    nothing about its recipe and is left out.
    """
    rows = frame[(frame["task"] == judged.task) & (frame["status"] != "failed")].copy()
    rows["objective"] = _column(rows, f"val.{judged.objective}").fillna(judged.worst)
    for split in ("val", "test"):
        trivial = judged.trivial.get(split, judged.trivial["test"])
        rows[split] = _column(rows, f"{split}.{judged.metric}").fillna(trivial)
    columns = recipe_columns(rows)
    rows["recipe"] = [
        json.dumps(dict(zip(columns, values, strict=True)), default=str)
        for values in rows[columns].itertuples(index=False, name=None)
    ]
    return rows


def _column(rows: pd.DataFrame, name: str) -> pd.Series[float]:
    if name in rows:
        return rows[name].astype(float)
    return pd.Series(np.nan, index=rows.index, dtype=float)


def ranking(rows: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """One row a recipe, best first by its mean objective on validation over seeds.

    Columns: the `hp.` columns, `trial` (the key of one of its trials), `seeds`, `diverged`, and
    `<what>` with `<what>_sd` (standard deviation over seeds) for `objective`, `val` and `test`.
    """
    columns = recipe_columns(rows)
    ranked = []
    for _, same in rows.groupby("recipe", sort=False):
        row: dict[str, Any] = {c: same[c].iloc[0] for c in columns}
        row |= {
            "trial": same["trial"].iloc[0],
            "seeds": len(same),
            "diverged": int((same["status"] == "diverged").sum()),
        }
        for what in ("objective", "val", "test"):
            values = same[what].to_numpy(float)
            row[what] = values.mean()
            row[f"{what}_sd"] = spread(values) if np.isfinite(values).all() else np.nan
        ranked.append(row)
    table = pd.DataFrame(ranked)
    if table.empty:
        return table
    ascending = judged.direction == "min"
    return table.sort_values("objective", ascending=ascending, kind="stable", ignore_index=True)


def levels(
    rows: pd.DataFrame, judged: Judged, factors: Mapping[str, Sequence[Level]] | None = None
) -> pd.DataFrame:
    """Every level of every factor against the factor's first level, on the test metric.

    Two views: `average over the matrix` averages all cells that hold the level; `everything else
    tuned` takes, for each level, the cell with the best mean objective on validation. Both give one
    figure a seed, and the difference to the first level is taken seed by seed. `factors` names the
    factors and orders their levels; by default all that vary, levels as they come.

    Columns: `factor`, `level`, `view`, `test` (mean over seeds), `effect`, `low`, `high` (the
    difference to the first level with its 95% interval; empty for the first level itself), `pairs`
    (seeds that both levels share), `diverged` (rate).
    """
    if factors is None:
        factors = {c.removeprefix(HP): () for c in factor_columns(rows)}
    table = []
    for factor, order in factors.items():
        column = rows[f"{HP}{factor}"]
        found = list(column.dropna().unique())
        found.sort(key=lambda level: list(order).index(level) if level in order else len(order))
        groups = {level: rows[column == level] for level in found}
        for view in (MATRIX, TUNED):
            by_seed = {level: _by_seed(group, view, judged) for level, group in groups.items()}
            reference = next(iter(by_seed.values()), pd.Series(dtype=float))
            for i, (level, scores) in enumerate(by_seed.items()):
                effect = Interval(np.nan, np.nan, np.nan)
                shared = scores.index.intersection(reference.index)
                if i > 0:
                    effect = paired_effect(scores[shared], reference[shared])
                table.append(
                    {
                        "factor": factor,
                        "level": level,
                        "view": view,
                        "test": scores.mean(),
                        "effect": effect.estimate,
                        "low": effect.low,
                        "high": effect.high,
                        "pairs": len(shared),
                        "diverged": (groups[level]["status"] == "diverged").mean(),
                    }
                )
    return pd.DataFrame(table)


def _by_seed(group: pd.DataFrame, view: str, judged: Judged) -> pd.Series[float]:
    """The test metric of one level by seed."""
    if view == TUNED:
        means = group.groupby("recipe", sort=False)["objective"].mean()
        best = means.idxmin() if judged.direction == "min" else means.idxmax()
        group = group[group["recipe"] == best]
    return group.groupby("seed")["test"].mean()
