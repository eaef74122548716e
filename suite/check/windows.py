"""Sliding windows, recognised from the arrays alone: a row is its neighbour, shifted by a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.check.codes import Codes, codes_of
from suite.data import Array, Data, leaves

LINKED = 0.2
"""Share of rows with a successor from which rows count as windows; other data have next to none."""
LOOKED_AT = 2000
"""Rows whose successor is looked for."""
WIDEST = 64
"""Columns of one step, at most, where a window was flattened."""
TELLING = 0.999
"""Share of pieces that must be unmistakable before windows of two splits are compared."""


@dataclass(frozen=True)
class Windows:
    """Inputs that are sliding windows.

    Attributes:
        name: of the array; empty where it is the only one.
        steps: all rows, train, val and test one under the other, shape (rows, steps, features).
        split: of each row, 0 to 2.
    """

    name: str
    steps: Array
    split: NDArray[np.int64]

    def pieces(self) -> Codes | None:
        """Codes of the shortest pieces of a window that tell where in time it lies.

        Shape (rows, pieces), in the order of time. None where values repeat too often to tell.
        """
        count = self.steps.shape[1]
        length = 1
        while length <= max(1, count // 2):
            codes = self._pieces(length)
            _, inverse, often = np.unique(codes, return_inverse=True, return_counts=True)
            if (often[inverse] <= count).mean() >= TELLING:
                return codes
            length *= 2
        return None

    def _pieces(self, length: int) -> Codes:
        starts = range(self.steps.shape[1] - length + 1)
        return np.stack([codes_of(self.steps[:, i : i + length]) for i in starts], axis=1)

    def once(self, split: NDArray[np.bool_] | None = None) -> Array:
        """Every step of time once, of all rows or of the given ones, shape (times, features)."""
        steps = self.steps if split is None else self.steps[split]
        flat = steps.reshape(-1, steps.shape[2])
        _, first = np.unique(codes_of(flat), return_index=True)
        return flat[first]


def windows_of(data: Data) -> Windows | None:
    """The first of the inputs that are sliding windows, or None."""
    split = np.repeat(np.arange(3), [len(own) for own in data.splits.values()])
    for name in leaves(data.train.x):
        whole = np.concatenate([leaves(own.x)[name] for own in data.splits.values()])
        for steps, shift in _readings(whole):
            if _linked(steps, shift):
                return Windows(name, steps, split)
    return None


def _readings(whole: Array) -> Iterator[tuple[Array, int]]:
    """Ways to read an array as (rows, steps, features), with the steps from row to row."""
    if whole.ndim >= 3:
        steps = whole.reshape(*whole.shape[:2], -1)
        yield from ((steps, shift) for shift in range(1, steps.shape[1] // 2 + 1))
    elif whole.ndim == 2:
        columns = whole.shape[1]
        for width in range(1, min(WIDEST, columns // 2) + 1):
            if columns % width == 0:
                yield whole.reshape(len(whole), columns // width, width), 1


def _linked(steps: Array, shift: int) -> bool:
    """Whether many rows, less their first `shift` steps, are the beginning of another row."""
    looked_at = np.linspace(0, len(steps) - 1, min(LOOKED_AT, len(steps))).astype(int)
    some = steps[looked_at]
    first = np.isin(some[:, shift, 0], steps[:, 0, 0])
    if first.mean() < LINKED:
        return False
    ends, beginnings = some[:, shift:], steps[:, :-shift]
    flat = ends.reshape(len(ends), -1)
    varied = flat.max(axis=1) > flat.min(axis=1)  # a stretch of zeros fits anything
    found = varied & np.isin(codes_of(ends), codes_of(beginnings))
    return bool(found.mean() >= LINKED)
