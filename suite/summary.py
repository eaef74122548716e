"""The trials of one task, and its best recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from suite.frame import recipe_columns
from suite.stats.intervals import spread


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
