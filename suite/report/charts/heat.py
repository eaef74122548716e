"""Heat maps of a training from inside: a row a layer, a column an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
from suite.vitals import FLOOR, NORMS, SHARES, is_nothing, maps_of

Floats = NDArray[np.float64]
ROW = 20.0
"""Pixels of a layer."""
MOST = 24
"""Layers or epochs; of more, as many are drawn, evenly spread."""
TOPS = (0.1, 0.25, 0.5, 1.0)
"""Ends of the scale of a share."""
HEAD = 32.0
"""Pixels of the line above a map: what it shows, and the key of its colours."""
BELOW = 44.0
"""Pixels for the epochs."""
SHEETS = (
    (
        NORMS,
        "Gradients and updates by layer and epoch",
        "gradient: norm of the loss's gradient at a layer's weights. It goes back from the output, "
        "at the bottom, to the input, at the top: where the colour fades on the way it vanishes, "
        "where the colour deepens it explodes. update: norm of the optimizer's step over that of "
        "the weights; as a rule of thumb 0.001 is healthy, far below it a layer hardly learns, far "
        "above it is thrown about.",
    ),
    (
        SHARES,
        "Dead and saturated units by layer and epoch",
        "dead: share of a layer's units that put out the same for every row, whatever comes in; "
        "they tell nothing. saturated: share of a layer's outputs on a flat part of the "
        "activation, where hardly any gradient gets through.",
    ),
)
"""Measures that share a drawing, its title, and how to read it."""


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
        return f"below {size_text(FLOOR)}" if is_nothing(value) else size_text(value)

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends in words."""
        low, high = (float(f"{10**end:.1g}") if self.log else end for end in (self.low, self.high))
        return self.text(low), self.text(high)


def heat_charts(name: str, healths: Sequence[Health]) -> Iterator[Drawing]:
    """A map a measure that has any number, those of a kind in one drawing.

    Args:
        name: `<name>-<number>` is what a drawing is called.
        healths: of one recipe, on its seeds.
    """
    if not healths:
        return
    layers, maps = maps_of(healths)
    for number, (measures, title, words) in enumerate(SHEETS, start=1):
        shown = {name: maps[name] for name in measures if np.isfinite(maps[name]).any()}
        if shown:
            how = "geometric mean" if measures == NORMS else "mean"
            whose = f"The best recipe, {how} over {seeds_text(len(healths))}."
            yield Drawing(f"{name}-{number}", title, f"{words} {whose}", *_sheet(layers, shown))


def scale_of(values: Floats, log: bool) -> Scale:
    """The scale of these values: a decade at least; a share's from 0 to one of `TOPS`."""
    known = values[np.isfinite(values)]
    if not log:
        top = next((top for top in TOPS if known.max() <= top), TOPS[-1])
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


def _sheet(layers: Sequence[str], maps: Mapping[str, Floats]) -> tuple[Figure, dict[str, str]]:
    """Maps one below the other, in one pair of axes."""
    count = next(iter(maps.values())).shape[1]
    rows, epochs = thinned(len(layers)), thinned(count)
    names = [plain(layers[i]) for i in rows]
    room = len(rows) + HEAD / ROW
    height = ROW * room * len(maps) + BELOW
    left = min(150.0, 16 + width_of(names))
    figure, axes = canvas(height, Margins(left=left, top=0, bottom=BELOW))
    axes.set_xlim(0, len(epochs))
    axes.set_ylim(room * len(maps), 0)
    axes.spines["bottom"].set_visible(False)
    tops = [room * i + HEAD / ROW for i in range(len(maps))]
    places = np.concatenate([top + 0.47 + np.arange(len(rows)) for top in tops])
    axes.set_yticks(places, names * len(maps))
    axes.tick_params(axis="y", colors=colour("ink"))
    marked = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), 4)).round().astype(int))
    axes.set_xticks(marked + 0.47, [str(epochs[i] + 1) for i in marked])
    name_axes(axes, "epoch")
    tips: dict[str, str] = {}
    for top, (measure, values) in zip(tops, maps.items(), strict=True):
        scale = scale_of(values, measure in NORMS)
        _head(figure, measure, scale, height - ROW * top + 10, height)
        for (i, j), text in _cells(axes, measure, values[np.ix_(rows, epochs)], scale, top):
            tips[f"{measure}{i}-{j}"] = f"{names[i]}, epoch {epochs[j] + 1}: {text}"
    return figure, tips


def _cells(
    axes: Axes, measure: str, values: Floats, scale: Scale, top: float
) -> Iterator[tuple[tuple[int, int], str]]:
    """Draw every cell that has a number; its place and the number in words."""
    for (i, j), value in np.ndenumerate(values):
        if math.isfinite(value):
            gid, shade = f"{measure}{i}-{j}", colour(f"seq-{scale.step(value)}")
            box = Rectangle((j, top + i), 0.94, 0.94, color=shade, linewidth=0, gid=gid)
            axes.add_artist(box)  # add_patch would look for new limits, in ten times the time
            yield (i, j), scale.text(value)


def _head(figure: Figure, name: str, scale: Scale, place: float, height: float) -> None:
    """What a map shows, and its ramp with both ends, `place` pixels above the bottom."""
    low, high = scale.ends
    size = (14 / WIDTH, 10 / height)
    right = WIDTH - 14 - width_of([high])
    left = right - 6 - 14 * STEPS
    figure.text(14 / WIDTH, place / height, name, color=colour("muted"))
    figure.text(right / WIDTH, place / height, high, color=colour("ink"))
    figure.text((left - 6) / WIDTH, place / height, low, color=colour("ink"), ha="right")
    for step in range(STEPS):
        corner = ((left + 14 * step) / WIDTH, (place - 1) / height)
        figure.add_artist(Rectangle(corner, *size, color=colour(f"seq-{step}"), linewidth=0))
