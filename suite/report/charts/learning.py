"""Learning curves: the objective on validation by epoch, of the best recipes and of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.frame import HP
from suite.report.charts.series import Line, lines_chart
from suite.report.drawing import Drawing
from suite.summary import Judged
from suite.tables.text import recipe_text
from suite.trial import Outcome

Floats = NDArray[np.float64]
SHOWN = 5
"""Recipes."""
QUARTILES = 8
"""Seeds from which on a band is from quartile to quartile; below, from least to largest."""


def learning_chart(
    name: str,
    judged: Judged,
    rows: pd.DataFrame,
    ranked: pd.DataFrame,
    outcomes: Mapping[str, Outcome],
) -> Drawing | None:
    """The best recipes over all others; None where the record holds no curves.

    Args:
        rows, ranked: of the task, as `suite.summary` gives them.
        outcomes: by trial key.
    """
    best = ranked.head(SHOWN).to_dict("records")
    recipe_of = dict(zip(rows["trial"], rows["recipe"], strict=True))
    by_recipe = rows.groupby("recipe", sort=False)["trial"]
    lines = []
    for place, row in enumerate(best, start=1):
        trials = by_recipe.get_group(recipe_of[row["trial"]])
        curves = curves_of((outcomes[t] for t in trials), judged.objective)
        if curves.size:
            recipe = {str(k): v for k, v in row.items() if str(k).startswith(HP)}
            lines.append(_line(f"{place}. {recipe_text(recipe)}", curves))
    if not lines:
        return None
    everything = curves_of((outcomes[t] for t in rows["trial"]), judged.objective)
    lines.append(_line("all recipes: median, middle half", everything, "underpowered", 0))
    figure = lines_chart(lines, "epoch", f"{judged.objective}, validation", _limits(lines))
    better = "lower" if judged.direction == "min" else "higher"
    seeds = int(ranked["seeds"].max())
    band = "quartile to quartile" if seeds >= QUARTILES else "least to largest"
    return Drawing(
        name,
        "Learning curves of the best recipes",
        f"Median over seeds, band from {band}; {better} is better. Values far off the scale in "
        f"the first epochs are cut.",
        figure,
    )


def curves_of(outcomes: Iterable[Outcome], objective: str) -> Floats:
    """The objective on validation; shape (trials, epochs), NaN behind the end of a curve."""
    found = [o.curves.get(f"val_{objective}", ()) for o in outcomes]
    found = [curve for curve in found if len(curve)]
    whole = np.full((len(found), max(map(len, found), default=0)), np.nan)
    for i, curve in enumerate(found):
        whole[i, : len(curve)] = curve
    whole[~np.isfinite(whole)] = np.nan
    return whole


def _line(label: str, curves: Floats, role: str | None = None, quartiles: int = QUARTILES) -> Line:
    ends = (25, 75) if len(curves) >= quartiles else (0, 100)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(curves).any(axis=0))
    low, middle, high = (
        _percentile(curves, share, known) for share in (float(ends[0]), 50.0, float(ends[1]))
    )
    return Line(label, np.arange(1.0, curves.shape[1] + 1), middle, low, high, role)


def _percentile(curves: Floats, share: float, known: NDArray[np.bool_]) -> Floats:
    found = np.full(curves.shape[1], np.nan)
    if known.any():
        found[known] = np.nanpercentile(curves[:, known], share, axis=0)
    return found


def _limits(lines: Sequence[Line]) -> tuple[float, float]:
    """So that the last two thirds of the epochs fill the chart."""
    late = [
        part[len(part) // 3 :]
        for line in lines
        for part in (line.y, line.low, line.high)
        if part is not None
    ]
    values = np.concatenate(late)
    values = values[np.isfinite(values)]
    if not len(values):
        return (0.0, 0.0)
    room = 0.06 * float(np.ptp(values))
    return float(values.min()) - room, float(values.max()) + room
