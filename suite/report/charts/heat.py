"""Heat maps of a training from inside: a row a layer, a column an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from suite.health import Health
from suite.report.drawing import WIDTH, Drawing, Margins, canvas, name_axes, plain, width_of
from suite.report.palette import STEPS, colour, step_of
from suite.tables.text import seeds_text, size_text
from suite.vitals import FLOOR, NORMS, SHARES, maps_of

Floats = NDArray[np.float64]
ROW = 20.0
"""Pixels of a layer."""
MOST = 24
"""Layers or epochs; of more, as many are drawn, evenly spread."""
TOPS = (0.1, 0.25, 0.5, 1.0)
"""Ends of the scale of a share."""
BELOW = 48.0
"""Pixels for the epochs and the key."""
WORDS = {
    "gradient": (
        "Gradient norm by layer and epoch",
        "Norm of the loss's gradient at each layer's weights. From the output, at the bottom, it "
        "goes back to the input, at the top: where the colour fades on the way it vanishes, where "
        "the colour deepens it explodes.",
    ),
    "update": (
        "Size of a step by layer and epoch",
        "Norm of the optimizer's step over that of the layer's weights. As a rule of thumb 0.001 "
        "is healthy; far below it a layer hardly learns, far above it is thrown about.",
    ),
    "dead": (
        "Dead units by layer and epoch",
        "Share of a layer's units that put out the same for every row, whatever comes in: they "
        "learn nothing and tell nothing.",
    ),
    "saturated": (
        "Saturated units by layer and epoch",
        "Share of a layer's outputs on a flat part of the activation, where hardly any gradient "
        "gets through.",
    ),
}
"""By measure: title, and how to read it."""


@dataclass(frozen=True)
class Scale:
    """From the colour of the least to that of the most; of powers of ten where `log`."""

    low: float
    high: float
    log: bool

    def step(self, value: float) -> int:
        """The colour's step."""
        size = math.log10(max(value, FLOOR)) if self.log else value
        return step_of((size - self.low) / (self.high - self.low))

    def text(self, value: float) -> str:
        """A figure in words."""
        if not self.log:
            return f"{value:.0%}" if value in (0.0, *TOPS) else f"{value:.1%}"
        return f"below {size_text(FLOOR)}" if value <= FLOOR else size_text(value)

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends in words."""
        low, high = (float(f"{10**end:.1g}") if self.log else end for end in (self.low, self.high))
        return self.text(low), self.text(high)


def heat_charts(name: str, healths: Sequence[Health]) -> Iterator[Drawing]:
    """A map a measure that has any number.

    Args:
        name: `<name>-<measure>` is what a drawing is called.
        healths: of one recipe, on its seeds.
    """
    if not healths:
        return
    layers, maps = maps_of(healths)
    for measure in (*NORMS, *SHARES):
        values = maps[measure]
        if np.isfinite(values).any():
            log = measure in NORMS
            title, words = WORDS[measure]
            how = "geometric mean" if log else "mean"
            whose = f"The best recipe, {how} over {seeds_text(len(healths))}."
            figure, tips = _map(layers, values, scale_of(values, log))
            yield Drawing(f"{name}-{measure}", title, f"{words} {whose}", figure, tips)


def scale_of(values: Floats, log: bool) -> Scale:
    """The scale of these values: a decade at least; a share's from 0 to one of `TOPS`."""
    known = values[np.isfinite(values)]
    if not log:
        top = next(top for top in TOPS if known.max() <= top + 1e-9)
        return Scale(0.0, top, log)
    low, high = (math.log10(max(FLOOR, float(end))) for end in (known.min(), known.max()))
    room = max(0.0, 1.0 - (high - low)) / 2
    return Scale(low - room, high + room, log)


def thinned(count: int) -> NDArray[np.int64]:
    """Places from the first to the last of `count`, `MOST` at most.

    >>> thinned(3).tolist(), len(thinned(100)), thinned(100)[-1]
    ([0, 1, 2], 24, np.int64(99))
    """
    return np.unique(np.linspace(0, count - 1, min(count, MOST)).round().astype(np.int64))


def _map(layers: Sequence[str], values: Floats, scale: Scale) -> tuple[Figure, dict[str, str]]:
    rows, epochs = thinned(len(layers)), thinned(values.shape[1])
    names = [plain(layers[i]) for i in rows]
    height = ROW * len(rows) + BELOW + 8
    figure, axes = canvas(
        height, Margins(left=min(150.0, 16 + width_of(names)), top=8, bottom=BELOW)
    )
    axes.set_xlim(0, len(epochs))
    axes.set_ylim(len(rows), 0)
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks(np.arange(len(rows)) + 0.47, names)
    axes.tick_params(axis="y", colors=colour("ink"))
    marked = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), 4)).round().astype(int))
    axes.set_xticks(marked + 0.47, [str(epochs[i] + 1) for i in marked])
    name_axes(axes, "epoch")
    _key(figure, scale, height)
    return figure, _cells(axes, values[np.ix_(rows, epochs)], scale, (names, epochs + 1))


def _cells(
    axes: Axes, values: Floats, scale: Scale, names: tuple[Sequence[str], NDArray[np.int64]]
) -> dict[str, str]:
    """Draw every cell that has a number; words on each."""
    tips = {}
    for (i, j), value in np.ndenumerate(values):
        if math.isfinite(value):
            gid = f"c{i}-{j}"
            shade = colour(f"seq-{scale.step(value)}")
            box = Rectangle((j, i), 0.94, 0.94, color=shade, linewidth=0, gid=gid)
            axes.add_artist(box)  # add_patch would look for new limits, in ten times the time
            tips[gid] = f"{names[0][i]}, epoch {names[1][j]}: {scale.text(value)}"
    return tips


def _key(figure: Figure, scale: Scale, height: float) -> None:
    """The ramp with its ends, below the epochs at the left."""
    low, high = scale.ends
    left, size = 22 + width_of([low]), (16 / WIDTH, 10 / height)
    figure.text(14 / WIDTH, 9 / height, low, color=colour("ink"))
    for step in range(STEPS):
        place = ((left + 16 * step) / WIDTH, 8 / height)
        figure.add_artist(Rectangle(place, *size, color=colour(f"seq-{step}"), linewidth=0))
    figure.text((left + 16 * STEPS + 8) / WIDTH, 9 / height, high, color=colour("ink"))
