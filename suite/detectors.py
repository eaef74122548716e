"""Detectors: what in a training's health is a sign of sickness. They report; they change nothing.

Each reduces a training to one figure, its sign, and compares that with a threshold. The thresholds
lie between nets that are sick by construction and healthy ones, where `benchmarks/detectors.py`
found the two apart; the same script measures how often they are right on other nets.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.health import Health
from suite.vitals import alike_in, stacked

Floats = NDArray[np.float64]
BESIDE = ("batch_normalization", "layer_normalization", "embedding", "p_re_lu")
"""Layers whose gradients are of another size than those of their neighbours by nature."""


@dataclass(frozen=True)
class Detector:
    """One kind of sickness.

    Attributes:
        name: what it is called; `plural`: in a sentence on many trainings.
        threshold: the sign from which it is reported.
        meaning: what the sign is, for a reader who meets it for the first time.
    """

    name: str
    plural: str
    threshold: float
    meaning: str


VANISHING = Detector(
    "vanishing",
    "vanishing gradients",
    1.6,
    "powers of ten between the gradient of the last layer and the smallest one of a layer before "
    "it; median over epochs",
)
EXPLODING = Detector(
    "exploding",
    "exploding gradients",
    1.3,
    "power of ten of the largest gradient of a layer over the size of its weights; of all epochs",
)
DEAD = Detector(
    "dead units",
    "dead units",
    0.5,
    "share of a layer's units that put out the same whatever they are shown; after the last epoch",
)
SATURATED = Detector(
    "saturated units",
    "saturated units",
    0.55,
    "share of a layer's activations that lie on a flat end; median over epochs",
)
DIVERGED = Detector(
    "diverged",
    "divergence",
    1.0,
    "1 where a gradient or a weight stopped being a finite number, else 0",
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
    names, found = _kernels(health.layers), _signs([health])
    reported = []
    for detector in DETECTORS:
        by_layer = found[detector.name][0]
        if _strongest(by_layer) >= detector.threshold:
            whole = detector is DIVERGED
            place = "" if whole else health.layers[names[int(np.nanargmax(by_layer))]]
            reported.append(Finding(detector, _strongest(by_layer), place))
    return reported


def signs(healths: Sequence[Health]) -> dict[str, Floats]:
    """Each detector's sign of every training, shape (trainings,); NaN where none is to be seen."""
    found = {detector.name: np.full(len(healths), np.nan) for detector in DETECTORS}
    for numbers, own in alike_in(healths):
        for name, values in _signs(own).items():
            found[name][numbers] = [_strongest(by_layer) for by_layer in values]
    return found


def reported(healths: Sequence[Health | None]) -> list[str | None]:
    """The names of what is found in each training, joined by commas; None without health."""
    known = [health for health in healths if health is not None]
    found = signs(known)
    texts = iter(
        ", ".join(d.name for d in DETECTORS if found[d.name][i] >= d.threshold)
        for i in range(len(known))
    )
    return [None if health is None else next(texts) for health in healths]


def _strongest(by_layer: Floats) -> float:
    """The largest number; NaN where there is none."""
    known = by_layer[~np.isnan(by_layer)]
    return float(known.max()) if len(known) else np.nan


def _kernels(layers: Sequence[str]) -> list[int]:
    """The places of the layers that are compared."""
    return [i for i, name in enumerate(layers) if not name.startswith(BESIDE)]


def _signs(healths: Sequence[Health]) -> Mapping[str, Floats]:
    """Detector -> sign by training and layer, for trainings of the same layers and epochs."""
    kept = _kernels(healths[0].layers)
    gradient, weight, dead, saturated = (
        stacked([getattr(health, name) for health in healths])
        for name in ("gradient", "weight", "dead", "saturated")
    )
    broken = np.isnan([gradient, weight]).any(axis=(0, 2, 3))
    gradient, weight, dead, saturated = (
        grid[:, kept] for grid in (gradient, weight, dead, saturated)
    )
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        apart = np.log10(gradient[:, -1:] / gradient[:, :-1])  # no gradient at all: no end of it
        large = np.log10(gradient / weight)
        large[~np.isfinite(large)] = np.nan
        return {
            VANISHING.name: _median(apart),
            EXPLODING.name: np.nanmax(large, axis=2) if large.size else large[:, :, 0],
            DEAD.name: dead[:, :, -1],
            SATURATED.name: _median(saturated),
            DIVERGED.name: broken.astype(float)[:, None],
        }


def _median(values: Floats) -> Floats:
    """The median over epochs of what is a number, shape (trainings, layers); NaN for nothing."""
    ordered = np.sort(values, axis=2)  # NaN last
    count = (~np.isnan(values)).sum(axis=2, keepdims=True)
    low, high = (
        np.take_along_axis(ordered, np.maximum(place, 0), 2)[:, :, 0]
        for place in ((count - 1) // 2, np.minimum(count // 2, values.shape[2] - 1))
    )
    with np.errstate(invalid="ignore"):
        return np.where(low == high, low, (low + high) / 2)
