"""Arrays that were given whole, or in three splits, made into the data of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.arrays import arrays_of, narrowed, pair_of, split_of
from suite.data import Array, Data, Split, each
from suite.errors import UsageError
from suite.splits import chronological, three_way
from suite.targets import CLASSES, Kind, laid_out

SPLITS = ("train", "val", "test")
FEWEST = 5
"""Rows of a class that are needed to have some in each of three splits."""


@dataclass(frozen=True)
class Given:
    """Arrays as they were given, checked, fractions as float32 and whole numbers as int32.

    Attributes:
        parts: the splits by name; one part named "" where they are still to be made.
        seed: what a random split follows from.
        gap: rows left out between splits in the order of time; None for a random split.
    """

    parts: Mapping[str, Split]
    seed: int = 0
    gap: int | None = None

    @property
    def rows(self) -> Split:
        """Two rows to look at."""
        return next(iter(self.parts.values())).take(slice(0, 2))

    @property
    def targets(self) -> Array:
        """All targets there are."""
        return np.concatenate([np.asarray(split.y) for split in self.parts.values()])

    def as_kind(self, kind: Kind) -> Given:
        """The same, the targets laid out as their kind is."""
        parts = {
            name: Split(split.x, laid_out(np.asarray(split.y), kind))
            for name, split in self.parts.items()
        }
        return Given(parts, self.seed, self.gap)

    def data(self, kind: Kind, outputs: int, **described: Any) -> Data:
        """The data of a task; `outputs` is how many the model has, `described` is of `Data`.

        Raises UsageError where there are too few rows to split, or of a class to learn it.
        """
        parts = self.parts if len(self.parts) > 1 else self._made(self.parts[""], kind)
        train, val, test = (parts[name] for name in SPLITS)
        y = np.asarray(train.y)
        if kind is CLASSES:
            unseen = sorted(set(range(outputs)) - set(y.tolist()))
            if unseen:
                raise UsageError(
                    f"Expected every class from 0 to {outputs - 1}, one for each output of the "
                    f"model, among the training targets. Received: no row of class {unseen[0]}."
                )
        trivial = kind.trivial(y, outputs)
        return Data(train, val, test, trivial, kind.trivial_name, **described)

    def _made(self, whole: Split, kind: Kind) -> dict[str, Split]:
        if self.gap is not None:
            parts = [whole.take(rows) for rows in chronological(len(whole), self.gap)]
        else:
            classes = kind.strata(np.asarray(whole.y))
            _check_enough(classes)
            parts = [whole.take(rows) for rows in three_way(classes, self.seed)]
        named = dict(zip(SPLITS, parts, strict=True))
        if not all(map(len, parts)):
            sizes = {name: len(split) for name, split in named.items()}
            raise UsageError(
                f"Expected rows for three splits and a gap of {self.gap} between them. "
                f"Received: {len(whole)} rows, which gives {sizes}."
            )
        return named


def given(
    x: Any, y: Any, train: Any, val: Any, test: Any, seed: int = 0, gap: int | None = None
) -> Given:
    """What was given, checked: either `x` and `y`, or `train`, `val` and `test` as pairs of them.

    Raises UsageError, naming what is wrong.
    """
    whole, pairs = {"x": x, "y": y}, dict(zip(SPLITS, (train, val, test), strict=True))
    named = [name for name, value in {**whole, **pairs}.items() if value is not None]
    if named not in (list(whole), list(pairs)):
        raise UsageError(
            "Expected x and y, or train=(x, y), val=(x, y) and test=(x, y). "
            f"Received: {', '.join(named) or 'none of them'}."
        )
    if gap is not None and (named != list(whole) or not _counts(gap)):
        raise UsageError(
            "Expected gap to be a number of rows from 0, for x and y in the order of time. "
            f"Received: gap={gap!r}."
        )
    if not _counts(seed):
        raise UsageError(f"Expected seed to be a whole number from 0. Received: seed={seed!r}.")
    if named == list(whole):
        return Given({"": _split(x, y, "")}, seed, gap)
    pair = {name: pair_of(value, name) for name, value in pairs.items()}
    return Given({name: _split(*own, f"_{name}") for name, own in pair.items()})


def _split(x: Any, y: Any, suffix: str) -> Split:
    inputs, targets = arrays_of(x, f"x{suffix}"), arrays_of(y, f"y{suffix}")
    if isinstance(targets, Mapping):
        raise UsageError(
            f"Expected y{suffix} to be one array. Received: a dict of {len(targets)}. "
            "A class derived from suite.Task can have more."
        )
    whole = split_of(inputs, targets, suffix.removeprefix("_") or "all rows")
    if not len(whole):
        raise UsageError(f"Expected rows in x{suffix}. Received: 0 rows.")
    return Split(each(narrowed, whole.x), each(narrowed, whole.y))


def _check_enough(classes: Array) -> None:
    numbers, counts = np.unique(classes, return_counts=True)
    if counts.min() < FEWEST:
        what = f"of class {numbers[counts.argmin()]}" if len(numbers) > 1 else "in all"
        raise UsageError(
            f"Expected at least {FEWEST} rows of every class to make three splits. Received: "
            f"{counts.min()} {what}. Pass more of them, or train, val and test."
        )


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
