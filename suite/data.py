"""The data of a task: three disjoint splits of arrays, where they come from, and their faults."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.errors import DataError

Array = NDArray[Any]
Arrays = Array | Mapping[str, Array]


def leaves(arrays: Arrays) -> dict[str, Array]:
    """The arrays by name; a single array goes under the empty name."""
    return dict(arrays) if isinstance(arrays, Mapping) else {"": arrays}


def each(function: Callable[[Array], Array], arrays: Arrays) -> Arrays:
    """`function` applied to every array, the form (single or by name) kept."""
    if isinstance(arrays, Mapping):
        return {name: function(array) for name, array in arrays.items()}
    return function(arrays)


@dataclass(frozen=True)
class Split:
    """Inputs `x` and targets `y`; the first axis of every array counts rows.

    Targets have the shape that the model's loss and metrics expect: (rows, 1) beside an output of
    one unit, (rows,) for the class numbers of a sparse crossentropy.
    """

    x: Arrays
    y: Arrays

    def __len__(self) -> int:
        return len(next(iter(leaves(self.y).values())))

    def take(self, rows: Array | slice) -> Split:
        """The given rows, in the given order."""
        return Split(each(lambda a: a[rows], self.x), each(lambda a: a[rows], self.y))

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Every array with a name for messages: `x`, `y`, or `x['word']`."""
        for part, arrays in (("x", self.x), ("y", self.y)):
            for name, array in leaves(arrays).items():
                yield (f"{part}[{name!r}]" if name else part), array

    def row_hashes(self) -> set[bytes]:
        """One digest a row, over inputs and targets together."""
        columns = [np.ascontiguousarray(array) for _, array in self.arrays()]
        return {
            hashlib.blake2b(b"".join(c[i].tobytes() for c in columns), digest_size=16).digest()
            for i in range(len(self))
        }


@dataclass(frozen=True)
class Data:
    """What a task trains, selects and is judged on.

    Args:
        train, val, test: disjoint splits; whatever is fitted to data was fitted on `train` alone.
        trivial: the outputs of a predictor that looks at no input, shaped as the model's outputs
            for one row (repeated for every row) or for every row of `test`.
        trivial_name: that predictor in words, such as "majority class".
        name, source, licence: what the data is, where it came from, on what terms.
        repeats: True where equal rows in two splits are distinct observations (few columns, coarse
            values), so that finding some is not a leak.
        times: split -> when the target of each row was known, shape (rows,), in any unit that grows
            with time. Optional: `check` reports training rows that come after val or test rows.
    """

    train: Split
    val: Split
    test: Split
    trivial: Array
    trivial_name: str
    name: str
    source: str
    licence: str
    repeats: bool = False
    times: Mapping[str, Array] | None = None

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits over every value, type and shape of the three splits."""
        digest = hashlib.sha256()
        for split in self.splits.values():
            for name, array in split.arrays():
                digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def checked(self, task: str) -> Data:
        """These data, after `DataError` was ruled out; `task` names them in the message."""
        for where, split in self.splits.items():
            _check_split(split, f"the {where} split of task {task!r}")
        _check_alike(self.splits, task)
        if self.times is not None:
            _check_times(self.times, self.splits, task)
        if not self.repeats:
            _check_disjoint(self.splits, task)
        return self


def _check_split(split: Split, where: str) -> None:
    for part, arrays in (("x", split.x), ("y", split.y)):
        if not leaves(arrays):
            raise DataError(f"Expected an array in {part} of {where}. Received: none.")
    for name, array in split.arrays():
        if not isinstance(array, np.ndarray) or array.ndim == 0:
            raise DataError(
                f"Expected NumPy arrays of rows in {where}. "
                f"Received: {name} of type {type(array).__name__}."
            )
    rows = {name: len(array) for name, array in split.arrays()}
    if len(set(rows.values())) != 1:
        raise DataError(f"Expected arrays of equal length in {where}. Received: {rows}.")
    if len(split) == 0:
        raise DataError(f"Expected at least one row in {where}. Received: 0 rows.")
    for name, array in split.arrays():
        if array.dtype.kind not in "fiub":
            raise DataError(
                f"Expected numbers in {where}. Received: {name} of dtype {array.dtype}."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            count = int((~np.isfinite(array)).sum())
            first = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataError(
                f"Expected finite numbers in {where}. Received: {count} NaN or infinite values in "
                f"{name}, the first in row {first}. Fill or drop them in data()."
            )


def _check_alike(splits: Mapping[str, Split], task: str) -> None:
    forms = {
        where: {name: f"{array.dtype}{array.shape[1:]}" for name, array in split.arrays()}
        for where, split in splits.items()
    }
    for where in ("val", "test"):
        if forms[where] != forms["train"]:
            raise DataError(
                f"Expected the {where} split of task {task!r} in the form of train, "
                f"{forms['train']}. Received: {forms[where]}."
            )


def _check_times(times: Mapping[str, Array], splits: Mapping[str, Split], task: str) -> None:
    expected = {name: (len(split),) for name, split in splits.items()}
    received = {name: np.shape(own) for name, own in times.items()}
    if received != expected:
        raise DataError(
            f"Expected a time of every row in Data.times of task {task!r}, {expected}. "
            f"Received: {received}."
        )


def _check_disjoint(splits: Mapping[str, Split], task: str) -> None:
    hashes = {name: split.row_hashes() for name, split in splits.items()}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = len(hashes[one] & hashes[other])
        if shared:
            raise DataError(
                f"Expected disjoint splits in task {task!r}. Received: {shared} distinct rows that "
                f"stand in both {one} and {other}. Drop duplicates before splitting, or set "
                f"repeats=True in Data where equal rows are distinct observations."
            )
