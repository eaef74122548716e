"""Health: what a training looked like from inside, layer by layer and epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Number = float | None
Grid = tuple[tuple[Number, ...], ...]
"""One row a layer, one column an epoch; None where there is no (finite) number."""

DIGITS = 4
"""Significant digits that are recorded."""
MEASURES = ("gradient", "weight", "update", "dead", "saturated")


@dataclass(frozen=True)
class Health:
    """What the probe saw at the end of every epoch, on the same rows of train each time.

    Attributes:
        layers: the layers with weights that are trained, from the input on: "dense 1", "conv2d 2".
        gradient: norm of the loss's gradient with respect to a layer's weights; neither penalties
            nor clipping are in it.
        weight: norm of a layer's weights.
        update: norm of the step that the optimizer would take on the probe (penalties, clipping and
            decay included), over `weight`.
        dead: share of a layer's units whose activation is the same on every row.
        saturated: share of a layer's (row, unit) pairs where the activation's slope is below a
            tenth of its steepest. None, as `dead` is, where no such activation follows.
    """

    layers: tuple[str, ...]
    gradient: Grid
    weight: Grid
    update: Grid
    dead: Grid
    saturated: Grid

    @property
    def epochs(self) -> int:
        """How many epochs were probed."""
        return len(self.gradient[0]) if self.gradient else 0

    def until(self, epochs: int) -> Health:
        """The first `epochs` of it."""
        return Health(
            self.layers,
            *(tuple(row[:epochs] for row in getattr(self, name)) for name in MEASURES),
        )

    def content(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"layers": [*self.layers], **{name: getattr(self, name) for name in MEASURES}}


def health_from(content: Mapping[str, Any]) -> Health:
    """What `Health.content` gave, read back."""
    grids = (tuple(tuple(row) for row in content[name]) for name in MEASURES)
    return Health(tuple(content["layers"]), *grids)


def grid(rows: Sequence[Sequence[float]]) -> Grid:
    """Rounded to `DIGITS` digits; None for what is not finite."""
    return tuple(tuple(rounded(value) for value in row) for row in rows)


def rounded(value: float) -> Number:
    """`value` to `DIGITS` significant digits; None where it is not finite.

    >>> rounded(123456.0), rounded(0.00123456), rounded(float("nan"))
    (123500.0, 0.001235, None)
    """
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
