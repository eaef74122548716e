"""Shares as bars with their intervals: importance of factors, divergence by level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from suite.importance import ANOVA
from suite.report.drawing import TIMES, Drawing, Margins, canvas, plain, ticks, width_of
from suite.report.palette import colour
from suite.tables.text import level_text

ROW = 36.0
"""Pixels of a bar and the words above it."""
MOST = 10


@dataclass(frozen=True)
class Bar:
    """One bar from 0 to `share`, its interval, and its words."""

    label: str
    share: float
    low: float
    high: float
    role: str


def importance_chart(name: str, shares: pd.DataFrame) -> Drawing | None:
    """The sources of the most variance; None where there are none."""
    if shares.empty:
        return None
    ranked = shares.sort_values("share", ascending=False, kind="stable").head(MOST)
    bars = [
        Bar(
            row["source"].replace(" x ", f" {TIMES} "),
            row["share"],
            row["low"],
            row["high"],
            "series-1" if row["order"] == 1 else "series-4",
        )
        for row in ranked.to_dict("records")
    ]
    exact = shares["method"].iloc[0] == ANOVA
    how = (
        "Share of the variance over the matrix, 95 % bootstrap interval over seeds."
        if exact
        else "fANOVA, since cells are missing: least and largest of repeated forests."
    )
    return Drawing(
        name,
        "What makes the metric vary",
        f"{how} Two names are an interaction: what one factor does hangs on the other.",
        bars_chart(bars),
        _tips(bars),
    )


def divergence_chart(name: str, rates: pd.DataFrame) -> Drawing | None:
    """The levels at which anything diverged, most first; None where nothing did."""
    if rates.empty or not rates["diverged"].any():
        return None
    worst = rates[rates["diverged"] > 0].sort_values("rate", ascending=False, kind="stable")
    bars = [
        Bar(
            f"{row['factor']} {level_text(row['level'])}: {row['diverged']} of {row['trials']}",
            row["rate"],
            row["low"],
            row["high"],
            "hurts",
        )
        for row in worst.head(MOST).to_dict("records")
    ]
    return Drawing(
        name,
        "Diverged trials by level",
        "Rate with Wilson's 95 % interval. Levels at which nothing diverged are not shown.",
        bars_chart(bars),
        _tips(bars),
    )


def _tips(bars: Sequence[Bar]) -> dict[str, str]:
    return {
        f"b{i}": f"{bar.label}: {bar.share:.1%} [{bar.low:.1%}, {bar.high:.1%}]"
        for i, bar in enumerate(bars)
    }


def bars_chart(bars: Sequence[Bar]) -> Figure:
    """Bars from the top down, the words above each, the figure at its end."""
    height = ROW * len(bars) + 46
    figure, axes = canvas(height, Margins(left=10, right=52, top=4, bottom=38))
    axes.set_ylim(ROW * len(bars), 0)
    axes.set_yticks([])
    ends = [max(bar.share, bar.high if math.isfinite(bar.high) else 0.0) for bar in bars]
    axes.set_xlim(0, max(*ends, 1e-6) * 1.02)
    axes.grid(axis="x", color=colour("grid"), linewidth=1)
    for i, bar in enumerate(bars):
        top = ROW * i
        axes.text(0, top + 14, plain(bar.label), color=colour("ink"), va="baseline")
        axes.add_patch(
            Rectangle((0, top + 20), max(bar.share, 0), 9, color=colour(bar.role), gid=f"b{i}")
        )
        if math.isfinite(bar.low):
            axes.plot(
                [max(bar.low, 0), bar.high], [top + 24.5] * 2, color=colour("ink"), linewidth=1.2
            )
        text = f"{bar.share:.1%}"
        place = (340 - 6 - width_of([text])) / 340
        across = 1 - (4 + top + 28) / height
        figure.text(place, across, text, color=colour("ink"))
    ticks(axes, x=4, y=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0%}"))
    return figure
