"""Parallel coordinates: every recipe as a line through the levels of its factors to its metric.

The axes lie flat, one below the other, so that their names and levels have room on a narrow page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from suite.frame import HP
from suite.report.drawing import Drawing, Margins, canvas, plain, width_of
from suite.report.palette import STEPS, colour
from suite.summary import Judged
from suite.tables.text import level_text, number
from suite.trial import Level

Floats = NDArray[np.float64]
MOST = 300
"""Lines."""
TOP = 5
"""Recipes that are drawn over all others."""
ROW = 58.0
INNER = 316.0
"""Width of the axes in pixels."""


def parallel_chart(
    name: str,
    judged: Judged,
    ranked: pd.DataFrame,
    factors: Sequence[str],
    orders: Mapping[str, Sequence[Level]],
) -> Drawing | None:
    """The recipes of a task; None where there are fewer than three, or one factor.

    Args:
        ranked: best first on validation.
        factors: those that vary, from the top down.
        orders: of levels; others by size.
    """
    shown = thinned(ranked)
    if len(shown) < 3 or len(factors) < 2:
        return None
    height = ROW * (len(factors) + 1) + 34
    _, axes = canvas(height, Margins(left=12, right=12, top=34, bottom=36))
    axes.set_xlim(0, 1)
    axes.set_ylim(len(factors) + 0.12, -0.12)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    places = [_axis(axes, i, f, shown, orders.get(f, ())) for i, f in enumerate(factors)]
    metric = shown["test"].to_numpy(float)
    low, high = float(metric.min()), float(metric.max())
    places.append((metric - low) / (high - low or 1))
    _lines(axes, np.column_stack(places), metric)
    _metric_axis(axes, len(factors), judged, (low, high))
    thin = f" {len(shown)} of {len(ranked)} recipes." if len(shown) < len(ranked) else ""
    return Drawing(
        name,
        "Every recipe, from its levels to its metric",
        f"A line is a recipe; stronger is better on test. Orange: the {TOP} that are best on "
        f"validation.{thin}",
        axes.figure.figure,
    )


def thinned(ranked: pd.DataFrame) -> pd.DataFrame:
    """At most `MOST` recipes: the best ones, and evenly of the rest."""
    if len(ranked) <= MOST:
        return ranked
    head = MOST // 5
    rest = np.linspace(head, len(ranked) - 1, MOST - head).round().astype(int)
    return ranked.iloc[[*range(head), *rest]]


def ordered(levels: Sequence[Level], order: Sequence[Level]) -> list[Level]:
    """Levels as the study orders them; others by size, then by name."""
    place = {level: i for i, level in enumerate(order)}
    rest = len(place)

    def key(level: Level) -> tuple[int, float, str]:
        size = math.inf if isinstance(level, str) else float(level)
        return place.get(level, rest), size, str(level)

    return sorted(levels, key=key)


def _axis(axes: Axes, row: int, factor: str, shown: pd.DataFrame, order: Sequence[Level]) -> Floats:
    """Draw the axis of a factor; each recipe's place on it, from 0 to 1.

    Recipes that share a level are fanned out a little, the best at the left.
    """
    column = shown[f"{HP}{factor}"]
    levels = ordered(column.dropna().unique().tolist(), order)
    room = 1 / len(levels)
    middles = {level: (i + 0.5) * room for i, level in enumerate(levels)}
    axes.plot([0, 1], [row, row], color=colour("line"), linewidth=1, zorder=1)
    names = [plain(level_text(level)) for level in levels]
    crowded = width_of(names) > INNER * room - 6
    for i, (name, middle) in enumerate(zip(names, middles.values(), strict=True)):
        lift = -0.30 if crowded and i % 2 else -0.10
        most = max(4, int(2 * INNER * room / 6.7) - 1)
        _text(axes, middle, row + lift, name[:most], "ink", "center")
    _text(axes, 0, row - (0.50 if crowded else 0.32), plain(factor), "muted", "left")
    fan = np.linspace(-0.3, 0.3, len(shown)) * min(room, 0.25)
    return column.map(middles).fillna(0.5).to_numpy(float) + fan


def _text(axes: Axes, x: float, y: float, words: str, role: str, side: str) -> None:
    """Words over lines, on a ground of their own."""
    ground = {"facecolor": colour("card"), "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
    axes.text(x, y, words, ha=side, color=colour(role), bbox=ground, zorder=5)


def _lines(axes: Axes, places: Floats, metric: Floats) -> None:
    """All recipes, the worst first; over them the best on validation."""
    rows = np.arange(places.shape[1])
    ranks = np.argsort(np.argsort(metric)) / max(1, len(metric) - 1)
    steps = np.minimum(STEPS - 1, (ranks**1.6 * STEPS).astype(int))
    for step in range(STEPS):
        lines = [np.column_stack([p, rows]) for p in places[steps == step]]
        shade = colour(f"seq-{step}")
        axes.add_collection(
            LineCollection(lines, colors=shade, linewidths=0.7, zorder=2 + step / 10)
        )
    best = [np.column_stack([p, rows]) for p in places[:TOP]]
    axes.add_collection(LineCollection(best, colors=colour("series-2"), linewidths=1.7, zorder=4))


def _metric_axis(axes: Axes, row: int, judged: Judged, ends: tuple[float, float]) -> None:
    axes.plot([0, 1], [row, row], color=colour("muted"), linewidth=1.4, zorder=3)
    for place, end, side in ((0.0, ends[0], "left"), (1.0, ends[1], "right")):
        axes.text(place, row + 0.32, number(end), ha=side, color=colour("ink"))
    words = f"{plain(judged.metric)}, test"
    axes.text(0.5, row + 0.32, words, ha="center", color=colour("muted"))
