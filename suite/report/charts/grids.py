"""Interaction heat maps: the mean metric by the levels of two factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from suite.report.drawing import LETTER, TIMES, Drawing, Margins, canvas, plain, width_of
from suite.report.palette import LOW_STEPS, colour, step_of
from suite.summary import Judged
from suite.tables.text import level_text, number

ROW = 34.0
"""Pixels of a line of cells."""


def interaction_chart(name: str, judged: Judged, means: pd.DataFrame) -> Drawing:
    """Levels of the one factor from the top down, of the other from left to right.

    Args:
        means: index and columns are levels, named by their factors; `suite.importance.interaction`.
    """
    if _longest(means.index) < _longest(means.columns):
        means = means.T
    one, two = (plain(str(axis.name)).removeprefix("hp.") for axis in (means.index, means.columns))
    down, right = ([plain(level_text(level)) for level in axis] for axis in means.axes)
    cell = (340 - 12 - _left(down)) / len(right)
    slanted = width_of(right) > cell - 2
    bottom = 26 + (width_of(right) * 0.62 + 8 if slanted else 18)
    height = 26 + ROW * len(down) + bottom
    _, axes = canvas(height, Margins(left=_left(down), top=24, bottom=bottom))
    axes.set_xlim(0, len(right))
    axes.set_ylim(len(down), 0)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks(np.arange(len(right)) + 0.5, right)
    axes.set_yticks(np.arange(len(down)) + 0.5, down)
    axes.tick_params(colors=colour("ink"))
    if slanted:
        for label in axes.get_xticklabels():
            label.set(rotation=38, ha="right", rotation_mode="anchor")
    axes.set_xlabel(two, color=colour("muted"), loc="right", labelpad=2)
    axes.set_title(one, color=colour("muted"), loc="left", fontsize=11.5, pad=6)
    tips = _cells(axes, means.to_numpy(float), cell, (down, right))
    return Drawing(
        name,
        f"{one} {TIMES} {two}",
        f"Mean {judged.metric} on test over all cells of the matrix that hold both levels; "
        "the best is framed.",
        axes.figure.figure,
        tips,
    )


def _longest(axis: pd.Index[Any]) -> int:
    return max((len(level_text(level)) for level in axis), default=0)


def _left(names: Sequence[str]) -> float:
    return min(140.0, 14 + width_of(names))


def _digits(spread: float, width: float) -> int:
    """Decimals that show a tenth of the spread, as many as a cell of that width has room for."""
    wanted = 1 - math.floor(math.log10(spread)) if spread > 0 else 3
    return max(1, min(max(wanted, 3), 5, int(width / LETTER) - 3))


def _cells(
    axes: Axes,
    values: NDArray[np.float64],
    width: float,
    names: tuple[Sequence[str], Sequence[str]],
) -> dict[str, str]:
    """Draw every cell; words on each."""
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    digits = _digits(most - least, width)
    tips = {}
    for (i, j), value in np.ndenumerate(values):
        if not math.isfinite(value):
            continue
        step = step_of((value - least) / (most - least) if most > least else 0.5)
        ink = colour("on-low" if step < LOW_STEPS else "on-high")
        box = Rectangle((j + 0.02, i + 0.04), 0.96, 0.92, color=colour(f"seq-{step}"), linewidth=0)
        box.set_gid(f"c{i}-{j}")
        axes.add_patch(box)
        axes.text(j + 0.5, i + 0.5, number(value, digits), color=ink, ha="center", va="center")
        tips[f"c{i}-{j}"] = f"{names[0][i]}, {names[1][j]}: {value:.4f}"
        if value == most:
            axes.add_patch(
                Rectangle(box.get_xy(), 0.96, 0.92, fill=False, ec=colour("ink"), lw=1.6)
            )
    return tips
