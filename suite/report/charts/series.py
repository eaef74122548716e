"""Lines over a count (epochs, trainings) with a band around each, and their legend below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from suite.report.drawing import Margins, canvas, legend, legend_height, name_axes, ticks, wrapped
from suite.report.palette import SERIES, colour

Floats = NDArray[np.float64]
SOLID: tuple[float, ...] = ()
DASHES: Sequence[tuple[float, ...]] = (
    SOLID,
    (4, 2),
    (6, 2, 1, 2),
    (1, 1.5),
    (6, 1, 1, 1, 1, 1),
    (2, 1),
    (9, 2),
)
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
    looks = looks_of([line.role for line in lines])
    for line, look in reversed(list(zip(lines, looks, strict=True))):  # the first one on top
        if line.low is not None and line.high is not None:
            shade: dict[str, Any] = {"color": colour(look.role), "alpha": 0.16, "linewidth": 0}
            axes.fill_between(line.x, line.low, line.high, **shade)
        axes.add_line(look.line(line.x, line.y))
    if limits and limits[0] < limits[1]:
        axes.set_ylim(*limits)
    axes.margins(x=0.02)
    axes.autoscale_view(scaley=not limits)
    ticks(axes)
    name_axes(axes, x, y)
    keys = [look.line((), ()) for look in looks]
    legend(axes, list(zip(keys, labels, strict=True)), below - 52, height)
    return figure


@dataclass(frozen=True)
class Look:
    """Colour and dashes of a line; no dashes, no gaps."""

    role: str
    dashes: tuple[float, ...]

    def line(self, x: ArrayLike, y: ArrayLike) -> Line2D:
        """A line that looks like that."""
        line = Line2D(x, y, color=colour(self.role), linewidth=1.8)
        if self.dashes:
            line.set_dashes(self.dashes)
        return line


def looks_of(roles: Sequence[str | None]) -> list[Look]:
    """The look of each line: solid in its role, or the next one of the series where it is None."""
    looks, own = [], 0
    for role in roles:
        if role is not None:
            looks.append(Look(role, SOLID))
            continue
        looks.append(Look(SERIES[own % len(SERIES)], DASHES[own % len(DASHES)]))
        own += 1
    return looks
