"""Overlap: no row of val or test stands in train, exactly, nearly, or with another target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from suite.check.codes import PAIRS, Codes, codes_of, codes_of_all, joined
from suite.check.note import Finding, Note, Remark, counted
from suite.check.subject import Subject
from suite.data import Array, Data, Split, leaves

INPUTS_SHARE = 0.01
"""Held rows whose inputs alone may stand in train: customers alike in all columns are no leak."""
NEAR = 1e-3
"""Spreads of a column within which two values count as nearly the same."""


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    data = subject.data
    if data.repeats:
        yield Remark("Data says repeats=True: equal rows in two splits were not looked for.")
        return
    exact = {name: _whole(split) for name, split in data.splits.items()}
    inputs = {name: codes_of_all(split.x) for name, split in data.splits.items()}
    near = {name: codes_of(rows) for name, rows in _rounded(data).items()}
    for one, other in PAIRS:
        equal = np.isin(exact[other], exact[one])
        alike = np.isin(inputs[other], inputs[one])
        close = np.isin(near[other], near[one]) if near else alike
        yield from _equal(one, other, int(equal.sum()), len(equal))
        yield from _alike(one, other, alike & ~equal)
        yield from _close(one, other, close & ~alike)


def _whole(split: Split) -> Codes:
    return joined([codes_of_all(split.x), codes_of_all(split.y)])


def _rounded(data: Data) -> Mapping[str, Array]:
    """Inputs in steps of `NEAR` spreads of their column, by split; empty without fractions."""
    parts: dict[str, list[Array]] = {name: [] for name in data.splits}
    fractions = False
    for leaf, train in leaves(data.train.x).items():
        spread = train.std(axis=0, dtype=np.float64) if train.dtype.kind == "f" else None
        fractions |= spread is not None
        for name, split in data.splits.items():
            rows = leaves(split.x)[leaf]
            if spread is not None:
                rows = np.round(rows / np.where(spread > 0, spread * NEAR, 1.0))
            parts[name].append(rows.reshape(len(rows), -1))
    return {n: np.concatenate(own, axis=1) for n, own in parts.items()} if fractions else {}


def _equal(one: str, other: str, count: int, rows: int) -> Iterator[Note]:
    if count:
        yield Finding(
            f"{counted(count, 'row')} of {other} ({count / rows:.1%}), target included, "
            f"{'stands' if count == 1 else 'stand'} in {one}, too.",
            "A model is rewarded for remembering them; a run refuses such data.",
            "Drop duplicates before splitting, or split by person, product or item. Where equal "
            "rows are distinct observations, say repeats=True in Data.",
        )


def _alike(one: str, other: str, alike: Array) -> Iterator[Note]:
    count = int(alike.sum())
    if count > INPUTS_SHARE * len(alike):
        yield Finding(
            f"The inputs of {counted(count, 'row')} of {other} ({count / len(alike):.1%}) stand in "
            f"{one} with another target; at most {INPUTS_SHARE:.0%} is taken for chance.",
            "One person or item with several rows is probably in both splits: what is learned "
            "about it is of use for the held rows alone.",
            "Split by person or item. Where equal inputs are distinct observations, say "
            "repeats=True in Data.",
        )
    elif count:
        yield Remark(
            f"The inputs of {counted(count, 'row')} of {other} stand in {one} with another target."
        )


def _close(one: str, other: str, close: Array) -> Iterator[Note]:
    count = int(close.sum())
    if count > INPUTS_SHARE * len(close):
        yield Finding(
            f"{counted(count, 'row')} of {other} ({count / len(close):.1%}) nearly equal a row of "
            f"{one}: within {NEAR:g} spreads in every column.",
            "Copies of one observation, measured or augmented twice, are probably in both splits.",
            "Split first, then augment; or keep one row of each group of near copies.",
        )
