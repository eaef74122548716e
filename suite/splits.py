"""What most task files need: seeded splits, no row twice, one message for a failed download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from suite.data import Array, Split, each, leaves
from suite.errors import SourceError

Rows = NDArray[np.int64]

MULTIPLE = 64  # training rows come in multiples of it, so usual batch sizes leave no row over
SEED = 0


def carve(
    classes: Array, share: float, multiple: int = MULTIPLE, seed: int = SEED
) -> tuple[Rows, Rows]:
    """Row numbers (kept, held): about `share` of the rows are kept, a multiple of `multiple`.

    Drawn at random, the same for the same seed; every class is equally frequent in both parts.

    >>> classes = np.array([0, 0, 0, 1] * 50)
    >>> kept, held = carve(classes, 0.8)
    >>> len(kept), len(held), float(classes[held].mean())
    (128, 72, 0.25)
    """
    size = _rounded(share * len(classes), multiple)
    kept, held = train_test_split(
        np.arange(len(classes)), train_size=size, stratify=classes, random_state=seed
    )
    return kept, held


def three_way(classes: Array, seed: int = SEED) -> tuple[Rows, Rows, Rows]:
    """Row numbers (train, val, test), about 60, 20 and 20 percent, each class equally frequent."""
    train, rest = carve(classes, 0.6, seed=seed)
    val, test = carve(classes[rest], 0.5, multiple=1, seed=seed)
    return train, rest[val], rest[test]


def chronological(rows: int, gap: int) -> tuple[slice, slice, slice]:
    """Train, val and test in the order of time: 70, 15 and 15 percent less `gap` rows between them.

    >>> chronological(1000, gap=20)
    (slice(0, 640, None), slice(660, 810, None), slice(830, 1000, None))
    """
    train = _rounded(0.7 * rows, MULTIPLE)
    val = train + gap + int(0.15 * rows)
    return slice(0, train), slice(train + gap, val), slice(val + gap, rows)


def fresh(x: Array, seen: Array) -> Rows:
    """Numbers of the rows of `x` that equal no row of `seen` and no earlier row of `x`, in order.

    >>> fresh(np.array([[1], [2], [2], [3]]), seen=np.array([[3]]))
    array([0, 1])
    """
    _, first = np.unique(np.concatenate([seen, x]), axis=0, return_index=True)
    return np.sort(first[first >= len(seen)]) - len(seen)


def beside(test: Split, rest: Split) -> tuple[Split, Split, Split]:
    """Train, val and test where the test split is given, with single arrays x and y.

    Rows of `rest` that equal one of `test`, or an earlier one, are dropped; of the others a fifth
    is val, each class equally frequent.
    """
    rest = rest.take(fresh(leaves(rest.x)[""], seen=leaves(test.x)[""]))
    train, val = carve(leaves(rest.y)[""].reshape(-1), 0.8)
    return rest.take(train), rest.take(val), test


def standardised(train: Split, *others: Split) -> tuple[Split, ...]:
    """The splits with the mean of all values of train's x taken off, in units of their spread."""
    values = leaves(train.x)[""]
    mean, spread = values.mean(), values.std()
    return tuple(Split(each(lambda a: (a - mean) / spread, s.x), s.y) for s in (train, *others))


def _rounded(rows: float, multiple: int) -> int:
    """Down to a multiple, except where nothing would be left."""
    return int(rows) // multiple * multiple or int(rows)


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turn whatever a download inside the `with` block raises into a `SourceError`."""
    try:
        yield
    except Exception as error:  # loaders raise URLError, OSError, or (Keras) a bare Exception
        reason = str(error).partition("\n")[0] or "no reason given"
        raise SourceError(
            f"Expected to download {what}, which needs a network. "
            f"Received: {type(error).__name__}: {reason}. Use --data embedded."
        ) from error
