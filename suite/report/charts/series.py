"""Lines over a count (epochs, trainings) with a band around each, and their legend below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from suite.report.drawing import Margins, canvas, legend, legend_height, name_axes, ticks, wrapped
from suite.report.palette import SERIES, colour

Floats = NDArray[np.float64]
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (2, 1)), (0, (9, 2)))
"""A line is told from its neighbours by its dashes, too."""
PLOT = 190
"""Height of the axes in pixels."""


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        label: what stands in the legend.
        x, y: its points; NaN where there is none.
        low, high: its band; none where they are None.
        role: its colour; None for the next one of the series.
    """

    label: str
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    role: str | None = None


def lines_chart(
    lines: Sequence[Line], x: str, y: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Lines with their bands; `limits` of y, where the data's own would hide what matters."""
    labels = [wrapped(line.label, 42, 2) for line in lines]
    below = 44 + legend_height(labels)
    height = PLOT + 30 + below
    figure, axes = canvas(height, Margins(left=52, top=28, bottom=below))
    axes.grid(axis="y", color=colour("grid"), linewidth=1)
    keys = _keys(lines)
    for line, key in reversed(list(zip(lines, keys, strict=True))):  # the first one on top
        if line.low is not None and line.high is not None:
            shade = key.get_color()
            axes.fill_between(line.x, line.low, line.high, color=shade, alpha=0.16, linewidth=0)
        axes.plot(line.x, line.y, color=key.get_color(), linestyle=key.get_linestyle(), lw=1.8)
    if limits and limits[0] < limits[1]:
        axes.set_ylim(*limits)
    axes.margins(x=0.02)
    ticks(axes)
    name_axes(axes, x, y)
    legend(axes, list(zip(keys, labels, strict=True)), below - 52, height)
    return figure


def _keys(lines: Sequence[Line]) -> list[Line2D]:
    """One line's look each."""
    looks: list[Line2D] = []
    own = 0
    for line in lines:
        role, dash = line.role or SERIES[own % len(SERIES)], DASHES[own % len(DASHES)]
        own += line.role is None
        look = Line2D([], [], color=colour(role), linewidth=1.8)
        look.set_linestyle(dash if line.role is None else "-")
        looks.append(look)
    return looks
