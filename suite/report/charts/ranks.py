"""The critical-difference diagram of a factor's levels over tasks (Demsar 2006)."""

from __future__ import annotations

import math

import pandas as pd

from suite.report.drawing import Drawing, Margins, canvas, name_axes, plain, ticks
from suite.report.palette import colour
from suite.tables.text import level_text

ROW = 26.0


def ranks_chart(name: str, factor: str, own: pd.DataFrame) -> Drawing | None:
    """Mean ranks of a factor's levels, 1 is best; None where no claim about ranks is made.

    Args:
        own: the factor's rows of `suite.evidence.Evidence.across`.
    """
    difference = float(own["critical_difference"].iloc[0])
    ranked = own.dropna(subset="mean_rank").sort_values("mean_rank", kind="stable")
    if not own["claimed"].iloc[0] or ranked.empty or not math.isfinite(difference):
        return None
    height = ROW * (len(ranked) + 1) + 52
    _, axes = canvas(height, Margins(left=12, right=12, top=8, bottom=44))
    axes.set_ylim(len(ranked) + 1, 0)
    axes.set_yticks([])
    best = float(ranked["mean_rank"].iloc[0])
    axes.set_xlim(0.8, float(ranked["mean_rank"].max()) * 1.02 + 2.4)
    axes.axvspan(best, best + difference, color=colour("rope"), linewidth=0, zorder=0)
    axes.text(best, 0.65, f"critical difference {difference:.2f}", color=colour("muted"))
    for i, row in enumerate(ranked.to_dict("records"), start=1):
        axes.plot([row["mean_rank"]], [i + 0.4], "o", color=colour("accent"), markersize=6)
        label = f"{level_text(row['level'])}  {row['mean_rank']:.2f}"
        place = row["mean_rank"] + 0.12
        axes.text(place, i + 0.42, plain(label), va="center", color=colour("ink"))
    ticks(axes, x=5, y=0)
    name_axes(axes, "mean rank over tasks; 1 is best")
    first = own.iloc[0]
    return Drawing(
        name,
        f"Ranks of {plain(factor)} over {int(first['tasks'])} tasks",
        f"Shaded: not told from the best (Nemenyi, 5 %). Friedman p = {first['friedman_p']:.3g}; "
        f"power for neighbours half a standard deviation apart: {first['power']:.2f}.",
        axes.figure.figure,
    )
