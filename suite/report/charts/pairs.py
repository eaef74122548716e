"""What a claim holds against each other, seed by seed: a line from one side to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.claims import contrast_text, meaning
from suite.report.drawing import Drawing, Margins, canvas, name_axes, plain, ticks, wrapped
from suite.report.palette import colour
from suite.tables.claims import SIGNS
from suite.tables.text import level_text, number, setting_text

Floats = NDArray[np.float64]
HEIGHT = 230.0
"""Pixels."""
SIDES = (0.0, 1.0)


def pairs_chart(
    name: str, row: Mapping[Any, Any], arms: tuple[Floats, Floats], metrics: Mapping[str, str]
) -> Drawing | None:
    """The picture of one claim; None where nothing faces anything.

    Args:
        row: of `suite.claims.claims_frame`.
        arms: of its level and of its reference, `suite.claims.arms_of`.
        metrics: the metric of each task.
    """
    level, reference = arms
    if not len(level):
        return None
    figure, axes = canvas(HEIGHT, Margins(left=58, top=30, bottom=40, right=20))
    for here, there in zip(level, reference, strict=True):
        axes.plot(SIDES, (there, here), color=colour("muted"), linewidth=1, alpha=0.55)
    for side, values, shade in zip(SIDES, (reference, level), ("muted", "accent"), strict=True):
        dots: dict[str, Any] = {"color": colour(shade), "markersize": 4.5, "alpha": 0.8}
        axes.plot(np.full(len(values), side), values, "o", **dots)
        mean = (float(values.mean()),) * 2
        axes.plot((side - 0.12, side + 0.12), mean, color=colour(shade), linewidth=2.6)
    axes.set_xlim(-0.35, 1.35)
    axes.set_xticks(SIDES, [plain(text) for text in _sides(row)])
    axes.tick_params(axis="x", colors=colour("ink"))
    axes.grid(axis="y", color=colour("grid"), linewidth=1)
    ticks(axes, x=0)
    name_axes(axes, str(row["factor"]), wrapped(_measure(row, metrics), 46, 1))
    return Drawing(
        name,
        f"{SIGNS[row['answer']]} {row['answer']}: {row['claim']}",
        f"{row['task']}, {contrast_text(row, setting_text)}: {meaning(row, metrics)}. A line a "
        f"pair; bars: means. Difference {row['effect']:+.3g} [{number(row['low'])}, "
        f"{number(row['high'])}].",
        figure,
    )


def _sides(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Names of the reference and of the level."""
    if not row["factor"]:
        return level_text(row["reference"]), "measured"
    one, two = (setting_text(row["factor"], row[name]) for name in ("reference", "level"))
    return one, two


def _measure(row: Mapping[Any, Any], metrics: Mapping[str, str]) -> str:
    if row["measure"] == "score":
        return f"{metrics[row['task']]}, test"
    return str(row["measure"])
