"""Fitted: means, ranges, vocabularies and categories were learned on train alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.check.note import Finding, Note, counted, some
from suite.check.subject import Subject
from suite.check.windows import windows_of
from suite.data import Array, Data, leaves

EXACT = 1e-4
"""How near to 0 and 1 mean and spread of standardised columns come: float32 leaves less."""
APART = 5 * EXACT
"""How far from them train must be where it was not what the scaler saw."""
EDGE = 1e-6
"""How near to the ends of its range a scaled column comes."""
RANGED = 0.9
"""Share of columns that fill 0 to 1 exactly where each was scaled; raw pixels seldom do."""
RANGES = ((0.0, 1.0), (-1.0, 1.0))
UNSEEN = 0.01
"""Share of held word numbers that may be missing in train; a few are cut off with long texts."""
UNSEEN_LEAST = 5
"""How many must be missing to tell anything."""
UNIONS = {
    "train, val and test": ("train", "val", "test"),
    "train and val": ("train", "val"),
    "train and test": ("train", "test"),
}
FIT = "Fit it on the training rows alone (scaler.fit(x[train])), then transform all splits."


@dataclass(frozen=True)
class View:
    """Inputs as columns: `of` one array, all rows of each split, shape (rows, columns)."""

    of: str
    splits: Mapping[str, Array]

    def union(self, names: tuple[str, ...]) -> Array:
        """The rows of several splits, as float64."""
        return np.concatenate([self.splits[name] for name in names]).astype(np.float64)


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    embeds = subject.sketch({}).embeds
    for view in _views(subject.data):
        yield from _standardised(view)
        yield from _ranged(view)
    for name, train in leaves(subject.data.train.x).items():
        held = np.concatenate(
            [leaves(split.x)[name] for split in (subject.data.val, subject.data.test)]
        )
        if train.dtype.kind in "iu" and embeds:
            yield from _vocabulary(_of(name), train, held)
        elif train.ndim == 2:
            yield from _categories(_of(name), train, held)


def _of(name: str) -> str:
    return f"x[{name!r}]" if name else "x"


def _views(data: Data) -> Iterator[View]:
    """Each array of fractions by column, and as a whole; windows by feature, each step once."""
    windows = windows_of(data)
    for name, train in leaves(data.train.x).items():
        if train.dtype.kind != "f":
            continue
        if windows is not None and windows.name == name:
            parts = {n: windows.once(windows.split == i) for i, n in enumerate(data.splits)}
            yield View(f"the steps of {_of(name)}", parts)
            continue
        flat = {n: leaves(s.x)[name].reshape(len(s), -1) for n, s in data.splits.items()}
        yield View(_of(name), flat)
        if train.ndim > 2:
            yield View(f"{_of(name)} as a whole", {n: a.reshape(-1, 1) for n, a in flat.items()})


def _off(rows: Array) -> NDArray[np.float64]:
    """How far each column is from mean 0 and spread 1, whichever spread was divided by."""
    mean, variance, count = rows.mean(axis=0), rows.var(axis=0), len(rows)
    spreads = [np.sqrt(variance), np.sqrt(variance * count / max(1, count - 1))]
    off: NDArray[np.float64] = np.maximum(np.abs(mean), np.min(np.abs(np.array(spreads) - 1), 0))
    return off


def _standardised(view: View) -> Iterator[Note]:
    train = _off(view.union(("train",)))
    for words, names in UNIONS.items():
        off = _off(view.union(names))
        columns = np.flatnonzero((off < EXACT) & (train > APART))
        if len(columns):
            yield Finding(
                f"{counted(len(columns), 'column')} of {view.of} (number {some(list(columns))}): "
                f"mean 0 and spread 1 over {words} together (off by {off[columns].max():.0e} at "
                f"most), but off by up to {train[columns].max():.2g} over train.",
                "The scaler was fitted on held rows as well: what they look like has leaked into "
                "the training inputs.",
                FIT,
            )
            return


def _ranged(view: View) -> Iterator[Note]:
    low, high = view.splits["train"].min(axis=0), view.splits["train"].max(axis=0)
    for words, names in UNIONS.items():
        union = view.union(names)
        least, most = union.min(axis=0), union.max(axis=0)
        varied = np.array([len(np.unique(column[:1000])) > 2 for column in union.T])
        for ends in RANGES:
            full = varied & (np.abs(least - ends[0]) < EDGE) & (np.abs(most - ends[1]) < EDGE)
            inside = full & ((low > ends[0] + EDGE) | (high < ends[1] - EDGE))
            if inside.any() and full.sum() >= RANGED * varied.sum():
                yield Finding(
                    f"{counted(int(full.sum()), 'column')} of {view.of} range from {ends[0]:g} to "
                    f"{ends[1]:g} exactly over {words} together; {int(inside.sum())} of them do "
                    "not over train.",
                    "The ranges were learned on held rows as well: their extremes have leaked.",
                    FIT,
                )
                return


def _vocabulary(of: str, train: Array, held: Array) -> Iterator[Note]:
    known, asked = np.unique(train), np.unique(held)
    unseen = asked[~np.isin(asked, known)]
    if len(unseen) >= UNSEEN_LEAST and len(unseen) > UNSEEN * len(asked):
        yield Finding(
            f"{len(unseen):,} of {len(asked):,} word numbers of val and test "
            f"({len(unseen) / len(asked):.1%}) never occur in {of} of train: {some(list(unseen))}.",
            "The vocabulary was built on held rows as well, and the vectors of these words are "
            "never trained.",
            "Build the vocabulary on the training rows; give any other word one number of its own.",
        )


def _categories(of: str, train: Array, held: Array) -> Iterator[Note]:
    binary = ((train == 0) | (train == 1)).all(axis=0) & ((held == 0) | (held == 1)).all(axis=0)
    columns = np.flatnonzero(binary & (train == 0).all(axis=0) & (held != 0).any(axis=0))
    if len(columns):
        yield Finding(
            f"{counted(len(columns), 'column')} of {of} with zeros and ones (number "
            f"{some(list(columns))}) {'is' if len(columns) == 1 else 'are'} 0 in every training "
            "row, and 1 in some held rows.",
            "The categories were learned on held rows as well; their weights are never trained.",
            'Fit the encoder on the training rows: OneHotEncoder(handle_unknown="ignore").',
        )
