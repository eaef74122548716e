"""Kinds of targets, and what follows from the kind: strata, trivial predictor, metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from suite.data import Array, Arrays
from suite.errors import UsageError


@dataclass(frozen=True)
class Kind:
    """One kind of targets.

    Attributes:
        column: whether targets are laid out as (rows, 1).
        strata: targets -> a class a row, equally frequent in all splits; zeros for none.
        trivial: training targets and the number of outputs -> the outputs, for one row, of a
            predictor that looks at no input.
        trivial_name: that predictor in words.
        metric: what a task is judged by where nothing else is said.
    """

    column: bool
    strata: Callable[[Array], Array]
    trivial: Callable[[Array, int], Array]
    trivial_name: str
    metric: str | Callable[[Arrays, Arrays], float]


def accuracy(y: Arrays, outputs: Arrays) -> float:
    """Share of rows whose largest output stands where the one of `y` does; both (rows, classes)."""
    told, said = (np.asarray(array).argmax(axis=-1) for array in (y, outputs))
    return float((told == said).mean())


def _mean(y: Array, _: int) -> Array:
    return np.atleast_1d(y.mean(axis=0)).astype(np.float64)


def _shares(y: Array, classes: int) -> Array:
    return np.bincount(y, minlength=classes) / len(y)


YES_OR_NO = Kind(
    column=True,
    strata=lambda y: y[:, 0],
    trivial=_mean,
    trivial_name="share of the training rows that are 1",
    metric="roc_auc",
)
CLASSES = Kind(
    column=False,
    strata=lambda y: y,
    trivial=_shares,
    trivial_name="most frequent class (the classes' shares of the training rows)",
    metric="accuracy",
)
ONE_HOT = Kind(
    column=False,
    strata=lambda y: y.argmax(axis=1),
    trivial=_mean,
    trivial_name=CLASSES.trivial_name,
    metric=accuracy,
)
NUMBERS = Kind(
    column=True,
    strata=lambda y: np.zeros(len(y), np.int32),
    trivial=_mean,
    trivial_name="mean of the training rows",
    metric="neg_mean_absolute_error",
)


def kind_of(y: Array, outputs: tuple[int, ...]) -> Kind:
    """The kind of targets `y`, given the shape of a model's outputs for one row.

    Raises UsageError where they do not belong together.

    >>> kind_of(np.array([0, 1, 1]), (1,)).metric, kind_of(np.array([0, 2, 1]), (3,)).metric
    ('roc_auc', 'accuracy')
    """
    truth = np.isin(y, (0, 1)).all()
    if outputs == (1,) and y.shape[1:] in ((), (1,)):
        return YES_OR_NO if truth else NUMBERS
    if len(outputs) == 1 and y.shape[1:] == outputs:
        return ONE_HOT if truth and (y.sum(axis=1) == 1).all() else NUMBERS
    if len(outputs) == 1 and y.shape[1:] in ((), (1,)) and y.dtype.kind in "iu":
        if y.min() < 0 or y.max() >= outputs[0]:
            raise UsageError(
                f"Expected class numbers from 0 to {outputs[0] - 1} in y, as the model has "
                f"{outputs[0]} outputs. Received: {y.min()} to {y.max()}."
            )
        return CLASSES
    raise UsageError(
        "Expected y to hold a class number a row, or as many numbers a row as the model has "
        f"outputs. Received: y of shape {y.shape} and dtype {y.dtype}, outputs of shape "
        f"{('rows', *outputs)}. A class derived from suite.Task can have any other."
    )


def laid_out(y: Array, kind: Kind) -> Array:
    """Targets as losses and metrics of that kind take them: (rows, 1), or without that axis."""
    flat = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return flat[:, None] if kind.column and flat.ndim == 1 else flat
