"""Vitals: the health of many trials as arrays, layers matched by name, and means of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.health import Health

Floats = NDArray[np.float64]
KERNELLESS = {
    *("batch_normalization", "layer_normalization", "group_normalization", "rms_normalization"),
    "p_re_lu",
}
"""Kinds of layers that scale what passes through them; their gradients are of another kind."""
FLOOR = 1e-12
"""What a norm counts as that is smaller, or 0: a logarithm needs one."""
NORMS = ("gradient", "update")
SHARES = ("dead", "saturated")
MOMENTS = 3
"""First, middle and last epoch."""


@dataclass(frozen=True)
class Vitals:
    """The health of the trials of a task; NaN where a trial has no such layer, or no health.

    Attributes:
        layers: those with a kernel, from the input on.
        epochs: the numbers of the first, the middle and the last epoch of the longest trial.
        gradient: shape (trials, MOMENTS, layers).
        update, dead, saturated: shape (trials, layers), in the last epoch.

    A trial's last epoch is the last one with a finite gradient in every layer.
    """

    layers: tuple[str, ...]
    epochs: tuple[int, int, int]
    gradient: Floats
    update: Floats
    dead: Floats
    saturated: Floats


def has_kernel(layer: str) -> bool:
    """Whether a layer of that name ("dense 1") has a kernel, as far as its kind tells.

    >>> has_kernel("conv2d 2"), has_kernel("batch_normalization 1")
    (True, False)
    """
    return layer.rpartition(" ")[0] not in KERNELLESS


def vitals_of(healths: Sequence[Health | None]) -> Vitals | None:
    """The vitals of trials, in their order; None where none of them has any."""
    structures: dict[tuple[str, ...], list[int]] = {}
    for number, health in enumerate(healths):
        if health is not None and health.epochs:
            structures.setdefault(health.layers, []).append(number)
    layers = merged([[name for name in own if has_kernel(name)] for own in structures])
    if not layers:
        return None
    found = np.full((MOMENTS + 3, len(healths), len(layers)), np.nan)
    longest = 0
    for names, numbers in structures.items():
        kept = [i for i, name in enumerate(names) if has_kernel(name)]
        if not kept:
            continue
        columns = [layers.index(names[i]) for i in kept]
        own = [health for n in numbers if (health := healths[n]) is not None]
        lasts = [_last(health, kept) for health in own]
        longest = max(longest, *lasts)
        ends = [_ends(health, last, kept) for health, last in zip(own, lasts, strict=True)]
        found[:, np.array(numbers)[:, None], columns] = np.array(ends, float).transpose(1, 0, 2)
    moments = found[:MOMENTS].transpose(1, 0, 2)
    epochs = (1, longest // 2 + 1, longest + 1)
    return Vitals(tuple(layers), epochs, moments, *found[MOMENTS:])


def merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """All names in one order, each behind the one that it stands behind in its own.

    >>> merged([["embedding 1", "dense 1"], ["embedding 1", "gru 1", "dense 1"]])
    ['embedding 1', 'gru 1', 'dense 1']
    """
    found: list[str] = []
    for order in sorted(orders, key=len, reverse=True):
        place = 0
        for name in order:
            if name in found:
                place = found.index(name) + 1
            else:
                found.insert(place, name)
                place += 1
    return found


def _last(health: Health, kept: Sequence[int]) -> int:
    """The last epoch, from 0, in which every layer's gradient is a number; 0 where none is."""
    rows = [health.gradient[i] for i in kept]
    last = health.epochs - 1
    while last and any(row[last] is None for row in rows):
        last -= 1
    return last


def _ends(health: Health, last: int, kept: Sequence[int]) -> list[list[float | None]]:
    """What is kept of a trial: gradients at three moments, the others in the last epoch."""
    gradients = [[health.gradient[i][at] for i in kept] for at in (0, last // 2, last)]
    others = (health.update, health.dead, health.saturated)
    return [*gradients, *([own[i][last] for i in kept] for own in others)]


def maps_of(healths: Sequence[Health]) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Layers with kernels, and by measure its mean over trials of one structure.

    Shape (layers, epochs); norms by geometric mean; NaN where no trial has a number.
    """
    alike = [health for health in healths if health.layers == healths[0].layers]
    kept = [i for i, name in enumerate(healths[0].layers) if has_kernel(name)]
    longest = max(health.epochs for health in alike)
    maps = {}
    for name in (*NORMS, *SHARES):
        whole = np.full((len(alike), len(kept), longest), np.nan)
        for own, health in zip(whole, alike, strict=True):
            rows = getattr(health, name)
            own[:, : health.epochs] = np.array([rows[i] for i in kept], float)
        maps[name] = geometric(whole) if name in NORMS else mean(whole)
    return tuple(healths[0].layers[i] for i in kept), maps


def mean(values: Floats) -> Floats:
    """The mean over the first axis of what is finite; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    found: Floats = np.full(total.shape, np.nan)
    np.divide(total, count, out=found, where=count > 0)
    return found


def geometric(values: Floats) -> Floats:
    """The geometric mean over the first axis, what is below `FLOOR` taken as `FLOOR`."""
    return np.exp(mean(np.log(np.maximum(values, FLOOR))))
