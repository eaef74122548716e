"""Detectors: what in a training's health is a sign of sickness. They report; they change nothing.

Each reduces a training to one figure, its sign, and compares that with a threshold. The thresholds
lie between nets that are sick by construction and healthy ones, where `benchmarks/detectors.py`
found the two apart; the same script measures how often they are right on other nets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from suite.health import Grid, Health, Number

BESIDE = ("batch_normalization", "layer_normalization", "embedding", "p_re_lu")
"""Layers whose gradients are of another size than those of their neighbours by nature."""


@dataclass(frozen=True)
class Detector:
    """One kind of sickness.

    Attributes:
        name: what it is called.
        threshold: the sign from which it is reported.
        meaning: what the sign is, for a reader who meets it for the first time.
    """

    name: str
    threshold: float
    meaning: str


VANISHING = Detector(
    "vanishing",
    1.6,
    "powers of ten between the gradient of the last layer and the smallest one before it; median "
    "over epochs",
)
EXPLODING = Detector(
    "exploding",
    1.3,
    "power of ten of the largest gradient of a layer over the size of its weights; over all epochs",
)
DEAD = Detector(
    "dead units",
    0.5,
    "share of a layer's units that put out the same whatever they are shown; after the last epoch",
)
SATURATED = Detector(
    "saturated units",
    0.55,
    "share of a layer's activations on their flat ends; median over epochs",
)
DIVERGED = Detector(
    "diverged", 1.0, "1 where a gradient or a weight stopped being a finite number, else 0"
)
DETECTORS = (VANISHING, EXPLODING, DEAD, SATURATED, DIVERGED)


@dataclass(frozen=True)
class Finding:
    """A sign that reached its threshold; `layer` is where it is strongest, "" for the whole net."""

    detector: Detector
    sign: float
    layer: str


def findings(health: Health) -> list[Finding]:
    """All that the detectors report of a training."""
    found = signs(health)
    return [
        Finding(detector, *found[detector.name])
        for detector in DETECTORS
        if found[detector.name][0] >= detector.threshold
    ]


def signs(health: Health) -> dict[str, tuple[float, str]]:
    """Each detector's sign and the layer where it is strongest; NaN where there is none to see."""
    return {
        VANISHING.name: _vanishing(health),
        EXPLODING.name: _exploding(health),
        DEAD.name: _strongest({n: row[-1] for n, row in _rows(health, health.dead)}),
        SATURATED.name: _strongest(dict(_medians(health, health.saturated))),
        DIVERGED.name: (float(_broken(health)), ""),
    }


def _rows(health: Health, grid: Grid) -> Iterator[tuple[str, Sequence[Number]]]:
    """The layers with kernels of their own, and their figures epoch by epoch."""
    for name, row in zip(health.layers, grid, strict=True):
        if row and not name.startswith(BESIDE):
            yield name, row


def _medians(health: Health, grid: Grid) -> Iterator[tuple[str, Number]]:
    for name, row in _rows(health, grid):
        known = [value for value in row if value is not None]
        yield name, median(known) if known else None


def _strongest(found: dict[str, Number]) -> tuple[float, str]:
    known = {name: value for name, value in found.items() if value is not None}
    if not known:
        return math.nan, ""
    layer = max(known, key=lambda name: known[name])
    return float(known[layer]), layer


def _vanishing(health: Health) -> tuple[float, str]:
    rows = [*_rows(health, health.gradient)]
    if len(rows) < 2:
        return math.nan, ""
    last, decades = rows[-1][1], {}
    for name, row in rows[:-1]:
        own = [
            math.log10(end / value) if value else math.inf
            for value, end in zip(row, last, strict=True)
            if value is not None and end
        ]
        if own:
            decades[name] = median(own)
    return _strongest(dict(decades))


def _exploding(health: Health) -> tuple[float, str]:
    weights = dict(_rows(health, health.weight))
    found: dict[str, Number] = {}
    for name, row in _rows(health, health.gradient):
        ratios = [
            value / size for value, size in zip(row, weights[name], strict=True) if value and size
        ]
        if ratios:
            found[name] = math.log10(max(ratios))
    return _strongest(found)


def _broken(health: Health) -> bool:
    return any(None in row for grid in (health.gradient, health.weight) for row in grid)
