"""Tuners: the best found so far and the regret, by full trainings spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from suite.report.charts.series import Line, lines_chart
from suite.report.drawing import TEXT, WIDTH, Drawing, panels, plain, ticks
from suite.report.palette import SERIES, colour
from suite.search.tables import REFERENCE
from suite.summary import Judged

Floats = NDArray[np.float64]
PANEL = 132.0
"""Height of a tuner's own panel in pixels, its heading among them."""
SPENT = "full trainings spent"


def search_charts(name: str, judged: Judged, regrets: pd.DataFrame) -> Iterator[Drawing]:
    """Two charts of one task.

    Args:
        regrets: of the task, `suite.search.tables.curves_frame`.
    """
    curves = [_best(tuner, own) for tuner, own in regrets.groupby("tuner", sort=False)]
    if not curves:
        return
    yardstick = (regrets["spent"] > regrets["trainings"]).any()
    remark = " A yardstick is looked at after as large a share of its own budget."
    remark = remark if yardstick else ""
    distances = [
        Line(str(tuner), own["trainings"].to_numpy(float), own["regret"].to_numpy(float))
        for tuner, own in regrets.groupby("tuner", sort=False)
    ]
    limits = _limits([line.y for line in distances])
    yield Drawing(
        f"{name}-regret",
        "Regret",
        f"Distance to the best score known, mean over searches; lower is better.{remark}",
        lines_chart(distances, SPENT, "distance to the best known", limits),
    )
    better = "lower" if judged.direction == "min" else "higher"
    against = " Dotted: random search." if any(c.label == REFERENCE for c in curves) else ""
    yield Drawing(
        f"{name}-best",
        "Best found so far",
        f"Mean {judged.objective} on validation, 95 % band over searches; {better} is better."
        f"{against}",
        _panels(curves),
    )


def _best(tuner: object, own: pd.DataFrame) -> Line:
    columns = ("trainings", "best", "best_low", "best_high")
    x, y, low, high = (own[name].to_numpy(float) for name in columns)
    banded = bool(np.isfinite(low).all())
    return Line(str(tuner), x, y, low if banded else None, high if banded else None)


def _panels(curves: Sequence[Line]) -> Figure:
    """A panel a tuner, two side by side, all to one scale."""
    rows = -(-len(curves) // 2)
    figure, grid = panels(rows, PANEL * rows + 26)
    limits = _limits([line.y for line in curves])
    reference = next((line for line in curves if line.label == REFERENCE), None)
    for i, (line, axes) in enumerate(zip(curves, grid, strict=False)):
        if reference is not None and reference is not line:
            axes.plot(reference.x, reference.y, ":", color=colour("muted"), linewidth=1.4)
        _panel(axes, line, colour(SERIES[i % len(SERIES)]))
        if limits[0] < limits[1]:
            axes.set_ylim(*limits)
        axes.tick_params(labelleft=i % 2 == 0, labelbottom=i >= len(curves) - 2)
    for axes in grid[len(curves) :]:
        axes.set_visible(False)
    style: dict[str, Any] = {"ha": "right", "color": colour("muted"), "fontsize": TEXT}
    figure.text((WIDTH - 8) / WIDTH, 6 / (PANEL * rows + 26), SPENT, **style)
    return figure


def _panel(axes: Axes, line: Line, shade: str) -> None:
    if line.low is not None and line.high is not None:
        axes.fill_between(line.x, line.low, line.high, color=shade, alpha=0.2, linewidth=0)
    axes.plot(line.x, line.y, color=shade, linewidth=1.9)
    axes.grid(axis="y", color=colour("grid"), linewidth=1)
    axes.margins(x=0.02)
    ticks(axes, x=3, y=3)
    axes.set_title(plain(line.label), color=colour("ink"), loc="left", fontsize=TEXT, pad=4)


def _limits(parts: Sequence[Floats]) -> tuple[float, float]:
    """From the best to what stood after the third training, and some room."""
    late = np.concatenate([part[min(2, len(part) - 1) :] for part in parts])
    late = late[np.isfinite(late)]
    if not len(late):
        return (0.0, 0.0)
    room = 0.08 * float(np.ptp(late))
    return float(late.min()) - room, float(late.max()) + room
