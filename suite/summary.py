"""The trials of one task, and its best recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
    rows = frame[(frame["task"] == judged.task) & (frame["status"] != "failed")]
    rows["objective"] = _column(rows, f"val.{judged.objective}").fillna(judged.worst)
    for split in ("val", "test"):
        trivial = judged.trivial.get(split, judged.trivial["test"])
        rows[split] = _column(rows, f"{split}.{judged.metric}").fillna(trivial)
    columns = recipe_columns(rows)
    rows["recipe"] = [
        intern(json.dumps(dict(zip(columns, values, strict=True)), default=str))
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
    if rows.empty:
        return pd.DataFrame()
    places = [*rows.groupby("recipe", sort=False).indices.values()]
    places.sort(key=lambda own: int(own[0]))  # in the order in which recipes first appear
    firsts = rows.iloc[[own[0] for own in places]]
    diverged = (rows["status"] == "diverged").to_numpy()
    table = firsts[recipe_columns(rows)].reset_index(drop=True)
    table["trial"] = firsts["trial"].to_numpy()
    table["seeds"] = [len(own) for own in places]
    table["diverged"] = [int(diverged[own].sum()) for own in places]
    for what in ("objective", "val", "test"):
        values = rows[what].to_numpy(float)
        table[what] = [values[own].mean() for own in places]
        table[f"{what}_sd"] = [_spread(values[own]) for own in places]
    ascending = judged.direction == "min"
    return table.sort_values("objective", ascending=ascending, kind="stable", ignore_index=True)


def _spread(values: NDArray[np.float64]) -> float:
    return spread(values) if np.isfinite(values).all() else np.nan
