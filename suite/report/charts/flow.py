"""The flow of the gradient: its norm by layer, from the output back to the input, as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from suite.flow import change_of, flows_of
from suite.report.charts.series import looks_of
from suite.report.drawing import (
    WIDTH,
    Drawing,
    Margins,
    canvas,
    legend,
    legend_height,
    plain,
    width_of,
    wrapped,
)
from suite.report.palette import colour
from suite.tables.text import level_text, size_text
from suite.trial import Level
from suite.vitals import MOMENTS, Vitals, geometric, is_nothing

Floats = NDArray[np.float64]
ROW = 24.0
"""Pixels of a layer."""
GAP = 14.0
"""Pixels between two panels."""
APART = 36.0
"""Pixels between two figures of a scale, at least."""
MOST = 1
"""Factors."""
ENOUGH = math.log10(2)
"""What a further factor changes at least, in powers of ten."""
BEST = "best recipe"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def flow_charts(
    name: str,
    rows: pd.DataFrame,
    factors: Mapping[str, Sequence[Level]],
    vitals: Vitals | None,
    best: NDArray[np.bool_],
) -> Iterator[Drawing]:
    """The best recipe, and a line a level of each factor that most changes the flow.

    Args:
        rows, vitals: of one task, in the same order.
        factors: with the order of their levels.
        best: which of the rows are the best recipe's.
    """
    if vitals is None or len(vitals.layers) < 2:
        return
    own = {BEST: geometric(vitals.gradient[best])} if _any(vitals.gradient[best]) else {}
    changes = {factor: change_of(rows, factor, vitals) for factor in factors}
    ranked = sorted((f for f in changes if changes[f] > 0), key=lambda f: -changes[f])
    chosen = [f for i, f in enumerate(ranked[:MOST]) if not i or changes[f] >= ENOUGH]
    for number, factor in enumerate(chosen, start=1):
        flows = flows_of(rows, factor, factors[factor], vitals)
        known = {level: flow for level, flow in flows.items() if _any(flow)}
        lines = {f"{factor} {level_text(level)}": flow for level, flow in known.items()}
        more = ", and of the best recipe" if own else ""
        yield Drawing(
            f"{name}-{number}",
            f"Gradient flow by depth: {plain(factor)}",
            f"Norm of the gradient, layer by layer from the input, at the top, to the output; "
            f"geometric mean over all trials of a level{more}. A line that leans left on its way "
            f"up vanishes, one that leans right explodes.{_told(lines, vitals)}",
            *_flow({**own, **lines}, vitals),
        )
    if own and not chosen:
        yield Drawing(
            f"{name}-1",
            "Gradient flow by depth",
            "Norm of the gradient of the best recipe, layer by layer from the input, at the top, "
            "to the output; geometric mean over seeds. A line that leans left on its way up "
            "vanishes, one that leans right explodes.",
            *_flow(own, vitals),
        )


def _any(values: Floats) -> bool:
    return bool(np.isfinite(values).any())


def _told(lines: Mapping[str, Floats], vitals: Vitals) -> str:
    """What the first epoch says of the levels that differ most, in a sentence."""
    places = {label: np.flatnonzero(np.isfinite(flow[0])) for label, flow in lines.items()}
    shares = {
        label: float(lines[label][0, own[0]] / lines[label][0, own[-1]])
        for label, own in places.items()
        if len(own) > 1
    }
    if len(shares) < 2:
        return ""
    least, most = (pick(shares, key=lambda label: shares[label]) for pick in (min, max))
    first = plain(vitals.layers[places[least][0]])
    return (
        f" After epoch 1 the gradient at {first}, over that at the output layer, is "
        f"{ratio_text(shares[least])} with {plain(least)}, {ratio_text(shares[most])} with "
        f"{plain(most)}."
    )


def ratio_text(ratio: float) -> str:
    """A ratio of two norms in words.

    >>> ratio_text(2.51), ratio_text(4200.0), ratio_text(0.0004), ratio_text(1e-11)
    ('2.5', '4,200', '1/2,500', 'below a billionth')
    """
    if ratio < 1e-9:
        return "below a billionth"
    if ratio < 0.1:
        return f"1/{float(f'{1 / ratio:.2g}'):,.0f}"
    return f"{ratio:.2g}" if ratio < 100 else f"{float(f'{ratio:.2g}'):,.0f}"


@dataclass(frozen=True)
class Panels:
    """A panel a moment, side by side in one pair of axes: more axes would take longer to draw.

    Attributes:
        low, high: powers of ten at the ends of each.
        room: powers of ten that fit between two of them.
    """

    low: float
    high: float
    room: float

    def place(self, moment: int, powers: Floats | float) -> Any:
        """Where powers of ten lie in the panel of a moment."""
        return moment * (self.high - self.low + self.room) + powers - self.low

    @property
    def end(self) -> float:
        """Where the last one ends."""
        return float(self.place(MOMENTS - 1, self.high))

    def ticks(self, pixels: float) -> list[int]:
        """Whole powers of ten for an axis of so many pixels."""
        whole = range(math.ceil(self.low), math.floor(self.high) + 1)
        step = max(1, math.ceil(len(whole) * APART / pixels))
        return [power for power in whole if power % step == 0]


def _flow(lines: Mapping[str, Floats], vitals: Vitals) -> tuple[Figure, dict[str, str]]:
    """A panel a moment, a line a label."""
    names = [plain(layer) for layer in vitals.layers]
    looks = looks_of(["ink" if label == BEST else None for label in lines])
    labels = [wrapped(label, 42, 2) for label in lines]
    below = 34 + legend_height(labels)
    height = ROW * len(names) + 30 + below
    left = min(130.0, 14 + width_of(names))
    figure, axes = canvas(height, Margins(left, 12, 30, below))
    panels = _panels(axes, lines, vitals, WIDTH - left - 12)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", colors=colour("ink"))
    tips = {}
    for moment, epoch in enumerate(vitals.epochs):
        for i, (label, flow) in reversed([*enumerate(lines.items())]):  # the first one on top
            places = np.flatnonzero(np.isfinite(flow[moment]))
            line = looks[i].line(panels.place(moment, np.log10(flow[moment][places])), places)
            line.set(marker="o", markersize=3.2, gid=f"m{moment}-{i}")
            axes.add_line(line)
            tips[f"m{moment}-{i}"] = _tip(f"{label}, epoch {epoch}", names, flow[moment])
    keys = [look.line((), ()) for look in looks]
    legend(axes, list(zip(keys, labels, strict=True)), below - 42, height)
    return figure, tips


def _panels(axes: Axes, lines: Mapping[str, Floats], vitals: Vitals, width: float) -> Panels:
    """Draw the panels themselves: headings, grid and scale."""
    known = np.concatenate([np.log10(flow[np.isfinite(flow)]) for flow in lines.values()])
    low, high = float(known.min()) - 0.25, float(known.max()) + 0.25
    one = (width - (MOMENTS - 1) * GAP) / MOMENTS
    panels = Panels(low, high, (high - low) * GAP / one)
    axes.set_xlim(0, panels.end)
    axes.spines["bottom"].set_visible(False)
    ticks = [(panels.place(m, p), power_text(p)) for m in range(MOMENTS) for p in panels.ticks(one)]
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.grid(axis="x", color=colour("grid"), linewidth=1)
    rows = np.arange(len(vitals.layers))
    for moment, epoch in enumerate(vitals.epochs):
        ends = [panels.place(moment, end) for end in (low, high)]
        axes.hlines(rows, *ends, color=colour("grid"), linewidth=1, zorder=0)
        style: dict[str, Any] = {"color": colour("muted"), "textcoords": "offset points"}
        axes.annotate(f"epoch {epoch}", (ends[0], -0.5), (0, 8), **style)
    return panels


def power_text(power: float) -> str:
    """A power of ten for an axis.

    >>> power_text(-2), power_text(-7)
    ('0.01', '10⁻⁷')
    """
    whole = round(power)
    return f"{10.0**whole:g}" if -2 <= whole <= 3 else f"10{str(whole).translate(RAISED)}"


def _tip(label: str, names: Sequence[str], norms: Floats) -> str:
    parts = [
        f"{name} {'0' if is_nothing(norm) else size_text(norm)}"
        for name, norm in zip(names, norms, strict=True)
        if math.isfinite(norm)
    ]
    return f"{label}: {', '.join(parts)}"
