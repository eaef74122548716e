"""Shortcut: the target varies, and no single column decides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.feature_selection import f_classif
from sklearn.tree import DecisionTreeClassifier

from suite.check.full import MANY
from suite.check.note import Finding, Note, Remark, counted, some
from suite.check.pieces import cut
from suite.check.subject import Subject
from suite.data import Array, Data, Split, leaves

DECIDES = 0.98
"""Balanced accuracy of one column's thresholds on held rows from which it decides the class."""
MONOTONE = 0.99
"""Rank correlation on held rows from which one column decides a number."""
TRIED = 32
"""Columns whose thresholds are tried: those whose means differ most between the classes."""
MOST_CLASSES = 50
"""Values of a whole-number target up to which they count as classes."""
MOST_TARGETS = 20
"""Targets of a row that are looked at one by one."""
REMEDY = (
    "Drop the column if it would not be known at the moment of prediction, or is the target in "
    "other words. If it is fair, the task is too easy to tell techniques apart."
)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Inputs as columns that vary in train, and one target.

    Attributes:
        names: of the columns.
        train, held: shape (rows, columns); held rows are those of val and test.
        y, asked: the target of train, and of the held rows.
    """

    names: Sequence[str]
    train: Numbers
    held: Numbers
    y: Array
    asked: Array


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    data = cut(subject.data, MANY)
    names, train = _names(data), _columns(data.train)
    held = np.concatenate([_columns(data.val), _columns(data.test)])
    varied = np.flatnonzero(train.max(axis=0) > train.min(axis=0))
    for what, parts in _targets(data).items():
        dull = [name for name, values in parts.items() if len(np.unique(values)) == 1]
        if dull:
            yield Finding(
                f"The target {what} is the same in every row of {', '.join(dull)}.",
                "There is nothing to learn, or nothing to be judged by.",
                "Check how data() makes the target, and that the rows are not sorted by it.",
            )
            continue
        y, asked = parts["train"], np.concatenate([parts["val"], parts["test"]])
        columns = Columns([names[i] for i in varied], train[:, varied], held[:, varied], y, asked)
        whole = (y == np.round(y)).all() and len(np.unique(y)) <= MOST_CLASSES
        if len(varied):
            yield from (_class if whole else _number)(what, columns, data)
    constant = [name for i, name in enumerate(names) if i not in set(varied.tolist())]
    if constant:
        yield Remark(
            f"{counted(len(constant), 'input column')}, the same in every training row: "
            f"{some(constant)}."
        )


def _names(data: Data) -> list[str]:
    """A name for each column: "x 3", or "x['word'] 0, 2" where rows have more axes."""
    made = []
    for name, array in leaves(data.train.x).items():
        of = f"x[{name!r}]" if name else "x"
        made += [f"{of} {', '.join(map(str, at))}" for at in np.ndindex(array.shape[1:])]
    return made


def _columns(split: Split) -> Numbers:
    flat = [array.reshape(len(array), -1) for array in leaves(split.x).values()]
    return np.concatenate(flat, axis=1).astype(np.float64)


def _targets(data: Data) -> dict[str, dict[str, Array]]:
    """Each target by name, for each split one number a row; one-hot classes as class numbers."""
    found = {}
    for name, train in leaves(data.train.y).items():
        of = f"y[{name!r}]" if name else "y"
        flat = {n: leaves(s.y)[name].reshape(len(s), -1) for n, s in data.splits.items()}
        width = train[0].size
        if width > 1 and all(_one_hot(own) for own in flat.values()):
            found[of] = {n: own.argmax(axis=1) for n, own in flat.items()}
            continue
        for i in range(min(width, MOST_TARGETS)):
            found[of if width == 1 else f"{of} {i}"] = {n: own[:, i] for n, own in flat.items()}
    return found


def _one_hot(targets: Array) -> bool:
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all())


def _class(what: str, columns: Columns, data: Data) -> Iterator[Note]:  # noqa: ARG001  # as _number
    """A column whose thresholds, learned on train, tell the classes of held rows."""
    classes = len(np.unique(columns.y))
    with np.errstate(divide="ignore", invalid="ignore"):  # a column that is constant in each class
        apart = np.nan_to_num(f_classif(columns.train, columns.y)[0], nan=0.0, posinf=np.inf)
    for i in np.argsort(-apart)[:TRIED]:
        tree = DecisionTreeClassifier(max_leaf_nodes=max(2, classes), random_state=0)
        tree.fit(columns.train[:, [i]], columns.y)
        said = tree.predict(columns.held[:, [i]])
        right = np.mean([(said == c)[columns.asked == c].mean() for c in np.unique(columns.asked)])
        if right >= DECIDES:
            yield Finding(
                f"Column {columns.names[i]} alone tells the classes of {what} on {right:.1%} of "
                f"the held rows (classes weighted alike), with {max(2, classes) - 1} threshold(s).",
                "The target, or something that follows from it, is among the inputs.",
                REMEDY,
            )
            return


def _number(what: str, columns: Columns, data: Data) -> Iterator[Note]:
    """A column in whose order the target rises or falls; unless the trivial predictor says so."""
    trivial, test = data.trivial.reshape(len(data.trivial), -1), columns.asked[-len(data.test) :]
    if len(trivial) == len(test) > 1 and abs(_order(trivial[:, :1], test)[0]) >= MONOTONE:
        return
    train, held = _order(columns.train, columns.y), _order(columns.held, columns.asked)
    agree = np.where(np.sign(train) == np.sign(held), np.minimum(abs(train), abs(held)), 0.0)
    best = int(np.argmax(agree))
    if agree[best] >= MONOTONE:
        yield Finding(
            f"Column {columns.names[best]} alone puts held rows in the order of {what}: rank "
            f"correlation {held[best]:.3f}.",
            "The target, or something that follows from it, is among the inputs.",
            REMEDY,
        )


def _order(columns: Numbers, y: Array) -> Numbers:
    """Spearman's rank correlation of each column with `y`; 0 where a column is constant."""
    ranks = rankdata(columns, axis=0) - (len(columns) + 1) / 2
    target = rankdata(y) - (len(y) + 1) / 2
    lengths = np.sqrt((ranks**2).sum(axis=0) * (target**2).sum())
    found: Numbers = (ranks * target[:, None]).sum(axis=0) / np.where(lengths > 0, lengths, np.inf)
    return found
