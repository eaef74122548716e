"""Vitals: the health of many trials as arrays, layers matched by name, and means of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.health import Grid, Health, Packed, whole

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
AT_ONCE = 4096
"""Trainings whose grids are unpacked at a time."""
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
    known = {(own.layers, own.epochs) for own in healths if own is not None and own.epochs}
    layers = merged([[n for n in own if has_kernel(n)] for own in {own for own, _ in known}])
    if not layers:
        return None
    found = np.full((len(healths), MOMENTS + 3, len(layers)), np.nan)
    for numbers, own in alike_in(healths):
        names = own[0].layers
        kept = [i for i, name in enumerate(names) if has_kernel(name)]
        columns = [layers.index(names[i]) for i in kept]
        found[np.ix_(numbers, range(MOMENTS + 3), columns)] = _ends(own)[:, :, kept]
    longest = max(epochs for _, epochs in known)
    moments = (1, (longest + 1) // 2, longest)
    return Vitals(
        tuple(layers), moments, found[:, :MOMENTS], *found[:, MOMENTS:].transpose(1, 0, 2)
    )


def alike_in(healths: Sequence[Health | None]) -> Iterator[tuple[list[int], list[Health]]]:
    """Trainings of the same layers and epochs with their places, at most `AT_ONCE` at a time.

    Those without health, or without an epoch of it, are left out.
    """
    alike: dict[tuple[tuple[str, ...], int], list[int]] = {}
    for number, health in enumerate(healths):
        if health is not None and health.epochs:
            alike.setdefault((health.layers, health.epochs), []).append(number)
    for numbers in alike.values():
        for start in range(0, len(numbers), AT_ONCE):
            part = numbers[start : start + AT_ONCE]
            yield part, [health for n in part if (health := healths[n]) is not None]


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


def _ends(healths: Sequence[Health]) -> Floats:
    """What is kept of trials of the same layers and epochs, shape (trials, MOMENTS + 3, layers)."""
    whole = {name: array_of(healths, name) for name in (*NORMS, *SHARES)}
    sound = np.isfinite(whole["gradient"]).all(axis=1)
    last = (np.arange(sound.shape[1]) * sound).max(axis=1)
    places = [("gradient", at) for at in (0 * last, last // 2, last)]
    places += [("update", last), *((name, last) for name in SHARES)]
    ends = [np.take_along_axis(whole[n], at[:, None, None], axis=2)[:, :, 0] for n, at in places]
    return np.stack(ends, axis=1)


def array_of(healths: Sequence[Health], name: str) -> Floats:
    """A measure of trials of the same layers and epochs; shape (trials, layers, epochs)."""
    return stacked([getattr(health, name) for health in healths])


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
            own[:, : health.epochs] = array_of([health], name)[0, kept]
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


def is_nothing(norm: float) -> bool:
    """Whether a geometric mean is `FLOOR`, but for the rounding of its logarithm."""
    return norm < 1.001 * FLOOR


def stacked(grids: Sequence[Grid]) -> Floats:
    """Grids of one shape as an array, shape (grids, layers, epochs); NaN for None."""
    packed = [grid.held for grid in grids if isinstance(grid, Packed)]
    if len(packed) < len(grids):
        return np.array(grids, float)
    shape = (len(grids), len(grids[0]), -1)
    return np.frombuffer(whole(b"".join(packed)), "<f4").reshape(shape).astype(float)
