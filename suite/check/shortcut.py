"""Shortcut: the target varies, and no single column decides it.

A column that the model cannot see when it says a target is none: a sequence is often learned with
the right words so far among the inputs, each of which is the target of the step before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.feature_selection import f_classif
from sklearn.tree import DecisionTreeClassifier

from suite.blueprint import hyperparameters
from suite.check.full import MANY
from suite.check.note import Finding, Note, Remark, counted, some
from suite.check.pieces import cut
from suite.check.subject import Subject
from suite.data import Array, Arrays, Data, Split, leaves

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
LOOKED_AT = 64
"""Rows whose inputs are changed to see what outputs depend on."""
UNCHANGED = 1e-6
"""Difference of outputs that rounding explains."""
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
        seen: column number -> whether what the model says of the target depends on it.
    """

    names: Sequence[str]
    train: Numbers
    held: Numbers
    y: Array
    asked: Array
    seen: Callable[[int], bool]


class Sight:
    """What the default model's outputs depend on, found out by changing inputs."""

    def __init__(self, subject: Subject, data: Data) -> None:
        self._subject = subject
        self._x = data.train.take(slice(0, LOOKED_AT)).x
        self._targets = leaves(data.train.y)

    def sees(self, column: int, place: int) -> bool:
        """Whether what is said of a row's target number `place` depends on an input column.

        True as well where outputs are not laid out like targets, so that nobody can tell.
        """
        targets = next(iter(self._targets.values())).shape[1:]
        if len(self._targets) > 1 or self._said.shape[1 : 1 + len(targets)] != targets:
            return True
        other = np.asarray(self._model(self._changed(column), training=False))
        changed = np.abs(other - self._said).reshape(len(other), int(np.prod(targets)), -1)
        return bool(changed[:, place].max() > UNCHANGED)

    @cached_property
    def _model(self) -> keras.Model:
        return self._subject.task.build(hyperparameters({}))

    @cached_property
    def _said(self) -> Array:
        outputs = self._model(self._x, training=False)
        return np.asarray(outputs) if keras.ops.is_tensor(outputs) else np.zeros(0)

    def _changed(self, column: int) -> Arrays:
        """The inputs with one column taken from the next row."""
        changed = {}
        for name, array in leaves(self._x).items():
            flat = array.reshape(len(array), -1).copy()
            if 0 <= column < flat.shape[1]:
                flat[:, column] = np.roll(flat[:, column], 1)
            column -= flat.shape[1]
            changed[name] = flat.reshape(array.shape)
        return changed if isinstance(self._x, Mapping) else changed[""]


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    data = cut(subject.data, MANY)
    names, train = _names(data), _columns(data.train)
    held = np.concatenate([_columns(data.val), _columns(data.test)])
    varied = np.flatnonzero(train.max(axis=0) > train.min(axis=0))
    sight = Sight(subject, data)
    for what, (place, parts) in _targets(data).items():
        dull = [name for name, values in parts.items() if len(np.unique(values)) == 1]
        if dull:
            yield Finding(
                f"The target {what} is the same in every row of {', '.join(dull)}.",
                "There is nothing to learn, or nothing to be judged by.",
                "Check how data() makes the target, and that the rows are not sorted by it.",
            )
            continue
        y, asked = parts["train"], np.concatenate([parts["val"], parts["test"]])
        columns = Columns(
            [names[i] for i in varied],
            train[:, varied],
            held[:, varied],
            y,
            asked,
            partial(_seen, sight, varied, place),
        )
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


def _seen(sight: Sight, varied: Array, place: int | None, column: int) -> bool:
    return place is None or sight.sees(int(varied[column]), place)


def _targets(data: Data) -> dict[str, tuple[int | None, dict[str, Array]]]:
    """Each target by name: its place among those of a row, and for each split one number a row.

    One-hot classes are one target, as class numbers, and have no place.
    """
    found: dict[str, tuple[int | None, dict[str, Array]]] = {}
    for name, train in leaves(data.train.y).items():
        of = f"y[{name!r}]" if name else "y"
        flat = {n: leaves(s.y)[name].reshape(len(s), -1) for n, s in data.splits.items()}
        width = train[0].size
        if width > 1 and all(_one_hot(own) for own in flat.values()):
            found[of] = None, {n: own.argmax(axis=1) for n, own in flat.items()}
            continue
        for i in range(min(width, MOST_TARGETS)):
            parts = {n: own[:, i] for n, own in flat.items()}
            found[of if width == 1 else f"{of} {i}"] = (i if width > 1 else None), parts
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
        if right >= DECIDES and columns.seen(int(i)):
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
    for best in np.argsort(-agree):
        if agree[best] < MONOTONE:
            return
        if not columns.seen(int(best)):
            continue
        yield Finding(
            f"Column {columns.names[best]} alone puts held rows in the order of {what}: rank "
            f"correlation {held[best]:.3f}.",
            "The target, or something that follows from it, is among the inputs.",
            REMEDY,
        )
        return


def _order(columns: Numbers, y: Array) -> Numbers:
    """Spearman's rank correlation of each column with `y`; 0 where a column is constant."""
    ranks = rankdata(columns, axis=0) - (len(columns) + 1) / 2
    target = rankdata(y) - (len(y) + 1) / 2
    lengths = np.sqrt((ranks**2).sum(axis=0) * (target**2).sum())
    found: Numbers = (ranks * target[:, None]).sum(axis=0) / np.where(lengths > 0, lengths, np.inf)
    return found
