"""Effects with their intervals, a line a level: of one task in both views, and over tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from suite.contrasts import MATRIX, TUNED
from suite.report.drawing import (
    WIDTH,
    Drawing,
    Margins,
    canvas,
    name_axes,
    plain,
    ticks,
    width_of,
)
from suite.report.palette import colour
from suite.summary import Judged
from suite.tables.text import effect_text, level_text
from suite.tables.verdicts import sentence

ROW, GAP = 30.0, 26.0
"""Pixels of a level's line and of a factor's heading."""
BROAD = 8.0
"""Largest effect in ROPEs that is still drawn to a linear scale."""
APART = 48.0
"""Pixels between two figures of a scale, at least."""
Rows = Sequence[dict[Any, Any]]


def effects_chart(name: str, judged: Judged, levels: pd.DataFrame) -> Drawing | None:
    """Both views of every comparison of a task; None where nothing is compared."""
    compared = levels[(levels["verdict"] != "") & np.isfinite(levels["effect"].astype(float))]
    if compared.empty:
        return None
    tips: dict[str, str] = {}
    figure, axes, places = _forest(_records(compared[compared["view"] == TUNED]))
    rope = float(compared["rope"].iloc[0])
    axes.axvspan(-rope, rope, color=colour("rope"), linewidth=0, zorder=0)
    for row in _records(compared):
        place = places.get((row["factor"], level_text(row["level"])))
        if place is not None:
            gid = f"e{len(tips)}"
            _draw(axes, row, place, gid)
            tips[gid] = sentence(row, judged.metric)
    broad = _scale(axes, compared, rope)
    name_axes(axes, f"difference in {judged.metric}, test")
    remark = " Beyond the middle the scale is logarithmic." if broad else ""
    return Drawing(
        name,
        "Effect of each level, with 95 % intervals",
        "Dot: everything else tuned on each side. Open square: average over the matrix. "
        f"Shaded: too small to matter (±{rope:g}).{remark}",
        figure,
        tips,
    )


def across_chart(name: str, across: pd.DataFrame) -> Drawing:
    """Mean effects over tasks, in shares of the way from the trivial predictor to the best."""
    tips: dict[str, str] = {}
    figure, axes, places = _forest(_records(across))
    for row in _records(across):
        place = places[row["factor"], level_text(row["level"])]
        gid = f"e{len(tips)}"
        _interval(axes, row, place, "accent", gid)
        axes.plot([row["effect"]], [place], "o", color=colour("accent"), markersize=6)
        tips[gid] = f"{row['factor']} {level_text(row['level'])}: {effect_text(row)}"
    ticks(axes, x=5, y=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:+.3g} %" if x else "0"))
    name_axes(axes, "share of the way from trivial to best")
    return Drawing(
        name,
        "Mean effect over tasks, with 95 % intervals",
        "Everything else tuned on each side; the tasks are the sample.",
        figure,
        tips,
    )


def _records(rows: pd.DataFrame) -> Rows:
    found: Rows = rows.to_dict("records")
    return found


def _forest(rows: Rows) -> tuple[Figure, Axes, dict[tuple[str, str], float]]:
    """Axes with a line a level under a heading a factor, and the places of the lines."""
    places: dict[tuple[str, str], float] = {}
    headings: dict[str, float] = {}
    depth, last, names = 0.0, None, []
    for row in rows:
        if row["factor"] != last:
            last = row["factor"]
            against = f" (to {level_text(row['reference'])})" if "reference" in row else ""
            headings[f"{last}{against}"] = depth + GAP / 2
            depth += GAP
        places[row["factor"], level_text(row["level"])] = depth + ROW / 2
        names.append(plain(level_text(row["level"])))
        depth += ROW
    left = min(130.0, 16 + width_of(names))
    height = depth + 52
    figure, axes = canvas(height, Margins(left=left, top=8, bottom=44, right=14))
    axes.set_ylim(depth, 0)
    axes.set_yticks(list(places.values()), [_cut(name) for name in names])
    axes.tick_params(axis="y", colors=colour("ink"))
    axes.axvline(0, color=colour("muted"), linewidth=1, zorder=1)
    for heading, place in headings.items():
        across = 1 - (8 + place) / height
        figure.text(6 / 340, across, plain(heading), color=colour("muted"), va="center")
    return figure, axes, places


def _cut(name: str, most: int = 18) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _draw(axes: Axes, row: dict[Any, Any], place: float, gid: str) -> None:
    """One effect: a dot for the tuned view, an open square below it for the matrix."""
    tuned = row["view"] == TUNED
    place += -4 if tuned else 6
    role = str(row["verdict"]) if tuned else "muted"
    _interval(axes, row, place, role, gid)
    face = colour(role) if tuned else colour("card")
    axes.plot(
        [row["effect"]],
        [place],
        "o" if tuned else "s",
        color=face,
        markeredgecolor=colour(role),
        markeredgewidth=1.4,
        markersize=6.5 if tuned else 4.5,
        zorder=4,
        gid=f"{gid}m",
    )


def _interval(axes: Axes, row: dict[Any, Any], place: float, role: str, gid: str) -> None:
    if math.isfinite(row["low"]):
        axes.plot(
            [row["low"], row["high"]],
            [place, place],
            color=colour(role),
            linewidth=2.4 if row.get("view") != MATRIX else 1.4,
            solid_capstyle="round",
            zorder=3,
            gid=gid,
        )


def _scale(axes: Axes, compared: pd.DataFrame, rope: float) -> bool:
    """Set the scale of x; True where it is logarithmic beyond the middle."""
    ends = compared[["effect", "low", "high"]].to_numpy(float)
    furthest = float(np.nanmax(np.abs(ends)))
    axes.grid(axis="x", color=colour("grid"), linewidth=1)
    if rope <= 0 or furthest <= BROAD * rope:
        reach = max(furthest, 1.5 * rope) * 1.08
        axes.set_xlim(-reach, reach)
        ticks(axes, x=5, y=0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+.3g}" if x else "0"))
        return False
    axes.set_xscale("symlog", linthresh=2 * rope, linscale=1.0)
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    axes.set_xlim(min(-2 * rope, 1.3 * low), max(2 * rope, 1.3 * high))
    axes.xaxis.set_major_locator(FixedLocator(_round_ticks(*axes.get_xlim(), 2 * rope)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+g}" if x else "0"))
    return True


def _round_ticks(low: float, high: float, middle: float) -> list[float]:
    """0, the furthest round number on either side, and more where there is room.

    The scale is linear up to `middle`, and has a decade in as much room beyond it.
    """

    def place(value: float) -> float:
        size = abs(value) / middle
        return math.copysign(size if size <= 1 else 1 + math.log10(size), value)

    pixel = (WIDTH - 140) / (place(high) - place(low))
    rounds = [n * 10.0**power for power in range(-6, 7) for n in (1, 2, 5)]
    sides = [
        sorted((sign * r for r in rounds if middle < r <= end), key=abs, reverse=True)
        for sign, end in ((-1, -low), (1, high))
    ]
    kept = [0.0]
    for tick in [*(side[0] for side in sides if side), -middle, middle, *sides[0], *sides[1]]:
        if low <= tick <= high and all(
            abs(place(tick) - place(other)) * pixel >= APART for other in kept
        ):
            kept.append(tick)
    return kept
